#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "core/tensor.h"
#include "graph/problem.h"

namespace halftone {

/// What comes after a convolution's sum, in this order: bias, residual, activation, requantise.
enum class Activation : std::uint8_t {
  none,
  relu,
  clip,
  leaky_relu,
  sigmoid,
  tanh,
  hard_sigmoid,
  hard_swish,
  silu,
  elu
};

/// The spelling in the `act` attribute; `none` is the attribute's absence.
std::string_view name(Activation activation);

/// y = activation(x), in float. alpha and beta: clip's bounds, leaky_relu's and elu's slope, hard_sigmoid's alpha,
/// beta.
float apply(Activation activation, float alpha, float beta, float x);

/// The one convolution of the lowered graph: 2-D, NHWC, with everything that follows it fused. Gemm with constant
/// weights is the case H = W = KH = KW = 1.
///
/// inputs: 0 x [N,H,W,C] f32|bf16|f16|u8|i8|f8e4m3; 1 w [O,KH,KW,C/group], of x's dtype, or i8 where x is u8 or i8;
///   2 bias f32 [O] or absent; 3 residual [N,OH,OW,O] of any dtype or absent; and for 8-bit x, residual or output:
///   4 w_scale f32 [O] (8-bit x only); 5 quantisation f32 [6] = x_scale, x_zero, r_scale, r_zero, y_scale, y_zero
///   (entries that do not apply are 1 and 0).
/// output: [N,OH,OW,O] of dtype `to` (default: x's dtype; f32 for 8-bit x).
/// attributes: strides (2), pads (4: top, left, bottom, right), dilations (2), group, act, alpha, beta, to;
/// symmetric=1 where all three zero points are 0, which many a kernel needs to know before it sees the numbers; and
/// math=tf32 where a kernel may round f32 x and w to 10 bits of mantissa before it multiplies them.
///
/// With xr = x_scale (x - x_zero) and w' = w_scale w (both plain for floats; padding is real zero):
///   y = activation(conv(xr, w') + bias + r_scale (r - r_zero)), then y / y_scale rounded to even + y_zero, saturated.
/// A NaN to be quantised becomes the lowest value, as QuantizeLinear has it, which folds into this.
/// f8e4m3 is quantised data like u8 and i8, with rounding to a float of its own. Its x_zero is a number of the format,
/// so that what x is padded with can be stored; its r_zero and y_zero are 0.
struct FusedConv {
  std::int64_t n, h, w, c;  ///< input
  std::int64_t o, kh, kw;   ///< output channels, kernel
  std::int64_t oh, ow;      ///< output
  std::int64_t group = 1;
  std::int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  Activation act = Activation::none;
  float alpha = 0, beta = 0;
  DType x_type = DType::f32, w_type = DType::f32, residual_type = DType::none, y_type = DType::f32;
  bool has_bias = false, has_residual = false;
  bool symmetric = false;  ///< x_zero, r_zero and y_zero are 0
  bool tf32 = false;       ///< f32 products may be of 10-bit mantissas

  enum Input : std::size_t { kX, kW, kBias, kResidual, kWeightScale, kQuantisation };

  bool depthwise() const { return group == c && group == o && group > 1; }
  bool pointwise() const { return kh == 1 && kw == 1 && pad_top + pad_left + pad_bottom + pad_right == 0; }
  bool is_int8() const { return is_8bit(x_type); }
  bool is_fp8() const { return x_type == DType::f8e4m3; }
  bool scaled() const { return is_int8() || is_fp8(); }  ///< x and w are quantised
  bool quantised() const;  ///< any of x, residual, output is 8-bit, so that input 5 is there
  double macs() const { return static_cast<double>(n * oh * ow * o) * static_cast<double>(kh * kw * (c / group)); }
};

/// Reads a FusedConv Problem. Throws invalid_model where it does not hold together.
FusedConv fused_conv_of(const Problem& problem);

/// Input 5 in words.
struct Quantisation {
  float x_scale = 1, x_zero = 0, r_scale = 1, r_zero = 0, y_scale = 1, y_zero = 0;
};
Quantisation quantisation_of(const Tensor& input5);

}  // namespace halftone
