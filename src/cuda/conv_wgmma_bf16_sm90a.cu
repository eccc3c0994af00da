#include "cuda/conv_wgmma_half.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_bf16() { return kHalfTiles<__nv_bfloat16>; }
std::span<const ConvWgmmaConfig> conv_wgmma_bf16_to_fp8() { return kHalfTilesTo<__nv_bfloat16, __nv_fp8_e4m3>; }
std::span<const ConvWgmmaConfig> conv_wgmma_bf16_to_int8() { return kHalfTilesTo<__nv_bfloat16, int8_t>; }

}  // namespace halftone::cuda
