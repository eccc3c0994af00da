#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

/// What a convolution launch needs: pointers, geometry and epilogue, without names or wires.
namespace halftone::cuda {

/// Activations are NHWC, weights OHWI. The epilogue computes, a value of output channel o,
///   clamp(sum * scale[o] + bias[o] + residual * residual_scale, low, high)
/// in 32-bit floats and rounds it to the output's type, integers to even, plus `output_zero`. For
/// integer and fp8 types the caller folds the input's, weights' and output's scales (and the
/// residual's zero) into these numbers; `low` and `high` are in units of the output. Null `scale`
/// means 1, null `bias` 0, null `residual` none.
struct ConvParams {
  const void* input = nullptr;
  const void* weights = nullptr;
  void* output = nullptr;
  const void* residual = nullptr;
  const float* scale = nullptr;
  const float* bias = nullptr;
  /// cuDNN only: one number in device memory that the result is multiplied by.
  const float* rescale = nullptr;
  float residual_scale = 1.0F;
  float low = -3.4e38F;
  float high = 3.4e38F;
  int output_zero = 0;
  bool residual_unsigned = false;  // where the output is 8-bit: the residual is u8, not s8

  /// Where what lies outside the picture is not zero but a zero point of x: what a kernel that takes zeros for it adds
  /// to a sum for the taps outside, 32-bit integers or floats like the kernel's sums, of row border_row()
  /// (conv_border.h) one for each output channel. Null for zero.
  const void* border = nullptr;
  int border_pitch = 0;  // sums from one row to the next, a multiple of 16; beyond the outputs they are 0
  int border_below = 1;  // numbers of rows: of taps below the picture, before its lines and behind them
  int border_before = 1;
  int border_behind = 1;

  int batch = 1;
  int height = 1;
  int width = 1;
  int channels = 1;
  int outputs = 1;
  int out_height = 1;
  int out_width = 1;
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  int pad_top = 0;
  int pad_left = 0;
  int dilation_height = 1;
  int dilation_width = 1;
  /// Values from one pixel to the next; larger than the channels where a tensor is part of a
  /// concatenation.
  int input_pitch = 0;
  int output_pitch = 0;

  void* workspace = nullptr;
  size_t workspace_bytes = 0;
  /// One a tile where blocks share tiles; zero before a launch and again after it.
  unsigned* counters = nullptr;
};

inline int64_t output_pixels(const ConvParams& p) { return int64_t{p.batch} * p.out_height * p.out_width; }

}  // namespace halftone::cuda
