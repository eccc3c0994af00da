#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_fp8() { return conv_gemm_table<__nv_fp8_e4m3, __nv_fp8_e4m3>(); }

}  // namespace halftone::cuda
