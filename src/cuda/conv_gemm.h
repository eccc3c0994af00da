#pragma once
#include <span>
#include <string_view>

#include "cuda/conv_params.h"

/// Tensor-core convolution of every precision by gathered matrix product (groups = 1).
namespace halftone::cuda {

/// One compiled tile size; `launch` takes the number of blocks that share a tile's inner dimension.
struct ConvGemmConfig {
  std::string_view name;
  int rows;
  int columns;
  cudaError_t (*launch)(const ConvParams&, int splits, cudaStream_t);
  size_t (*workspace)(const ConvParams&, int splits);
  int (*shared_bytes)(int capability);  ///< of a block, in code for that compute capability
};

/// Input, weights, residual and output of one type (uint8: weights and output s8; int8 may add and leave u8 too; tf32:
/// fp32 but for how it multiplies), or the output of another. Channels must fill whole 16-byte chunks: a multiple of 16
/// (int8, fp8), 8 (fp16, bf16) or 4 (tf32).
std::span<const ConvGemmConfig> conv_gemm_int8();
std::span<const ConvGemmConfig> conv_gemm_int8_to_fp32();
std::span<const ConvGemmConfig> conv_gemm_int8_to_fp16();
std::span<const ConvGemmConfig> conv_gemm_int8_to_bf16();
std::span<const ConvGemmConfig> conv_gemm_uint8();
std::span<const ConvGemmConfig> conv_gemm_uint8_to_fp32();
std::span<const ConvGemmConfig> conv_gemm_fp16();
std::span<const ConvGemmConfig> conv_gemm_fp16_to_fp32();
std::span<const ConvGemmConfig> conv_gemm_fp16_to_int8();
std::span<const ConvGemmConfig> conv_gemm_fp16_to_fp8();
std::span<const ConvGemmConfig> conv_gemm_bf16();
std::span<const ConvGemmConfig> conv_gemm_bf16_to_fp32();
std::span<const ConvGemmConfig> conv_gemm_bf16_to_int8();
std::span<const ConvGemmConfig> conv_gemm_bf16_to_fp8();
std::span<const ConvGemmConfig> conv_gemm_fp8();
std::span<const ConvGemmConfig> conv_gemm_fp8_to_fp32();
std::span<const ConvGemmConfig> conv_gemm_fp8_to_fp16();
std::span<const ConvGemmConfig> conv_gemm_fp8_to_bf16();
std::span<const ConvGemmConfig> conv_gemm_tf32();

}  // namespace halftone::cuda
