#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_bf16() { return conv_gemm_table<__nv_bfloat16, __nv_bfloat16>(); }
std::span<const ConvGemmConfig> conv_gemm_bf16_to_fp32() { return conv_gemm_border_table<__nv_bfloat16, float>(); }
std::span<const ConvGemmConfig> conv_gemm_bf16_to_int8() { return conv_gemm_border_table<__nv_bfloat16, int8_t>(); }
std::span<const ConvGemmConfig> conv_gemm_int8_to_bf16() { return conv_gemm_border_table<int8_t, __nv_bfloat16>(); }

}  // namespace halftone::cuda
