#include "cuda/conv_wgmma_table.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_fp16() { return conv_wgmma_half_table<__half>(); }

}  // namespace halftone::cuda
