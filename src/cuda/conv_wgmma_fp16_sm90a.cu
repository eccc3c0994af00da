#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_fp16() {
  using T = __half;
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3>>("64x128"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64"),
      conv_wgmma_config<T, T, WgmmaTile<1, 64, 3, 4>>("64x64"),
  };
  return kTable;
}

}  // namespace halftone::cuda
