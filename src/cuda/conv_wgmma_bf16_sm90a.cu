#include "cuda/conv_wgmma_table.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_bf16() { return conv_wgmma_half_table<__nv_bfloat16>(); }

}  // namespace halftone::cuda
