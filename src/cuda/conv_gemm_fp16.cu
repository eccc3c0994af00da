#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_fp16() { return conv_gemm_table<__half, __half>(); }
std::span<const ConvGemmConfig> conv_gemm_fp16_to_fp32() { return conv_gemm_border_table<__half, float>(); }
std::span<const ConvGemmConfig> conv_gemm_fp16_to_int8() { return conv_gemm_border_table<__half, int8_t>(); }

}  // namespace halftone::cuda
