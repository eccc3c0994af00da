#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_fp16() { return conv_gemm_table<__half, __half>(); }

}  // namespace halftone::cuda
