#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

// Hopper keeps about 14 bits of a sum of e4m3 products (DeepSeek-V3 technical report, 2024, 3.3.2): deeper sums are put
// together from parts outside the tensor cores.
std::span<const ConvWgmmaConfig> conv_wgmma_fp8() {
  using T = __nv_fp8_e4m3;
  constexpr int kPart = 5;
  constexpr int kDepth = kPart * 128;
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3, kPart>>("64x128/parts"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 4, 2, kPart>>("128x64/parts"),
  };
  return kTable;
}

}  // namespace halftone::cuda
