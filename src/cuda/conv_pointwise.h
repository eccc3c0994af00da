#pragma once
#include <span>
#include <string_view>

#include "cuda/conv_params.h"

/// 1x1 convolutions that are bound by memory: wide outputs, residual additions, few input channels.
namespace halftone::cuda {

/// One compiled tile. A block keeps its slice of the weights in shared memory and streams pixels
/// (and residuals) past it, several tiles ahead.
struct PointwiseConfig {
  std::string_view name;
  cudaError_t (*launch)(const ConvParams&, cudaStream_t);
  /// Shared memory a block would take; more than the device has means that the tile does not fit.
  size_t (*shared_bytes)(const ConvParams&);
};

/// No padding, groups = 1, any stride; channels as in conv_gemm.h; outputs and output pitch a
/// multiple of 16 (int8, fp8) or 8 (fp16, bf16).
std::span<const PointwiseConfig> conv_pointwise_int8();
std::span<const PointwiseConfig> conv_pointwise_uint8();
std::span<const PointwiseConfig> conv_pointwise_fp16();
std::span<const PointwiseConfig> conv_pointwise_bf16();
std::span<const PointwiseConfig> conv_pointwise_fp8();

}  // namespace halftone::cuda
