#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cuda/conv_params.h"
#include "cuda/cuda_device.h"
#include "cuda/element_type.h"
#include "graph/fused_conv.h"

/// How a FusedConv Problem becomes a launch's parameters.
namespace halftone::cuda {

Element element_of(DType dtype);  ///< f32, f16, bf16, i8 and u8 only
bool has_element(DType dtype);

/// No where the Problem is no FusedConv of constant weights, or its activation is more than two bounds.
Support is_bounded_conv(const Problem& problem);

/// No where the running code is for a compute capability whose tensor cores do not multiply that type (fp32 as TF32):
/// int8 and fp16 from 7.5 on, bf16 and TF32 from 8.0, fp8 from 8.9.
Support has_products(const Backend& backend, DType dtype);

/// No where what goes out is of another type than what comes in; bytes may leave as the other kind of bytes.
Support keeps_type(const FusedConv& conv);

/// From 16 bits to 8, or from 8 to 16, as at the borders of a stretch of 8 bits.
bool narrows(const FusedConv& conv);
bool widens(const FusedConv& conv);

/// No where there is a residual of another type than the input; bytes may be added to either kind of bytes.
Support adds_its_type(const FusedConv& conv);

/// Pixels, channels and windows; no pointers.
ConvParams geometry(const FusedConv& conv);

/// Numbers of an epilogue, with tensors that keep its device memory alive.
struct ConvSetup {
  FusedConv conv;
  ConvParams params;
  Quantisation quantisation;
  Tensor weights, scale, bias, rescale, border;
};

/// What a kernel does about a zero point of x, which is what lies outside the picture.
enum class Padding : std::uint8_t {
  zeros,       ///< nothing
  zero_point,  ///< it puts the zero point there
  border       ///< it puts zeros there and adds `ConvParams::border`
};

/// The form in which a kernel reads its weights.
struct WeightPacking {
  std::string name;  ///< tells it from every other form of the same weights
  /// OHWI weights to what lies on the device; none leaves them as they are.
  std::function<std::vector<std::byte>(const Tensor& weights, const ConvParams& p)> pack;
};

struct SetupOptions {
  bool divide_residual = false;  ///< divide everything by the residual's scale, leaving `rescale` to undo it
  Padding padding = Padding::zeros;
  float input_shift = 0;  ///< what the kernel takes off every x before it multiplies
  WeightPacking packing = {};
};

/// Folds scales, zero points, bias and activation as ConvParams want them and uploads them with the weights.
/// Throws unsupported where x has a zero point and there is padding of which the kernel knows nothing.
ConvSetup set_up(const PrepareContext& context, const SetupOptions& options = {});
/// Weights for Hopper's products (pack_wgmma_weights), outputs padded to a multiple of `columns`.
WeightPacking wgmma_packing(const Problem& problem, int columns, int vector);

/// The parameters of one call.
ConvParams bind(const ConvSetup& setup, const RunArgs& args);

}  // namespace halftone::cuda
