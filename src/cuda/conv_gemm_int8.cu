#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_int8() { return conv_gemm_table<int8_t, int8_t>(); }
std::span<const ConvGemmConfig> conv_gemm_int8_to_fp32() { return conv_gemm_border_table<int8_t, float>(); }
std::span<const ConvGemmConfig> conv_gemm_int8_to_fp16() { return conv_gemm_border_table<int8_t, __half>(); }

}  // namespace halftone::cuda
