#include "cuda/conv_wgmma_table.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_fp8() { return conv_wgmma_table<__nv_fp8_e4m3, __nv_fp8_e4m3>(); }

}  // namespace halftone::cuda
