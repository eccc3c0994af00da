#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_uint8() { return conv_gemm_table<uint8_t, int8_t>(); }

}  // namespace halftone::cuda
