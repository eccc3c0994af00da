#include "cuda/conv_wgmma_half.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_fp16() { return kHalfTiles<__half>; }
std::span<const ConvWgmmaConfig> conv_wgmma_fp16_to_fp8() { return kHalfTilesTo<__half, __nv_fp8_e4m3>; }
std::span<const ConvWgmmaConfig> conv_wgmma_fp16_to_int8() { return kHalfTilesTo<__half, int8_t>; }

}  // namespace halftone::cuda
