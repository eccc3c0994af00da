#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_uint8() { return conv_gemm_table<uint8_t, int8_t>(); }
std::span<const ConvGemmConfig> conv_gemm_uint8_to_fp32() { return conv_gemm_border_table<uint8_t, float>(); }

}  // namespace halftone::cuda
