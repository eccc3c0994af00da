#include "cuda/conv_wgmma_table.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_int8() { return conv_wgmma_table<int8_t, int8_t>(); }

}  // namespace halftone::cuda
