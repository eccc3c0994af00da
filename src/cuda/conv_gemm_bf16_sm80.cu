#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_bf16() { return conv_gemm_table<__nv_bfloat16, __nv_bfloat16>(); }

}  // namespace halftone::cuda
