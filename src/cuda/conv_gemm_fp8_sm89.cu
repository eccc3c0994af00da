#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_fp8() { return conv_gemm_table<__nv_fp8_e4m3, __nv_fp8_e4m3>(); }
std::span<const ConvGemmConfig> conv_gemm_fp8_to_fp32() { return conv_gemm_border_table<__nv_fp8_e4m3, float>(); }
std::span<const ConvGemmConfig> conv_gemm_fp8_to_fp16() { return conv_gemm_border_table<__nv_fp8_e4m3, __half>(); }
std::span<const ConvGemmConfig> conv_gemm_fp8_to_bf16() {
  return conv_gemm_border_table<__nv_fp8_e4m3, __nv_bfloat16>();
}
std::span<const ConvGemmConfig> conv_gemm_fp16_to_fp8() { return conv_gemm_border_table<__half, __nv_fp8_e4m3>(); }
std::span<const ConvGemmConfig> conv_gemm_bf16_to_fp8() {
  return conv_gemm_border_table<__nv_bfloat16, __nv_fp8_e4m3>();
}

}  // namespace halftone::cuda
