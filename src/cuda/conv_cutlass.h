#pragma once
#include <span>
#include <string_view>

#include "cuda/conv_params.h"

/// 1x1 convolutions as CUTLASS's products for Hopper: pixels x channels times channels x outputs, with the epilogue
/// fused.
namespace halftone::cuda {

/// One compiled kernel; `launch` answers cudaErrorNotSupported where it does not take the problem.
struct CutlassConfig {
  std::string_view name;
  bool residual;
  cudaError_t (*launch)(const ConvParams&, cudaStream_t);
  size_t (*workspace)(const ConvParams&);
};

/// Input, weights, residual and output have the type named. Stride 1, no padding, groups = 1, `output_zero` 0; channels
/// and outputs fill whole 16-byte chunks.
std::span<const CutlassConfig> conv_cutlass_int8();
std::span<const CutlassConfig> conv_cutlass_fp8();
std::span<const CutlassConfig> conv_cutlass_fp16();
std::span<const CutlassConfig> conv_cutlass_bf16();

}  // namespace halftone::cuda
