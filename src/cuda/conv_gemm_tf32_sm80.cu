#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_tf32() { return conv_gemm_table<Tf32, float>(); }

}  // namespace halftone::cuda
