#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_int8() {
  using T = int8_t;
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 4, 2, 0, 64>>("128x128/64"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 6, 3, 0, 64>>("128x64/64"),
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3>>("64x128"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64"),
      conv_wgmma_config<T, T, WgmmaTile<3, 256, 3, 1>>("192x256"),
  };
  return kTable;
}

std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_fp32() {
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<int8_t, float, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<int8_t, float, WgmmaTile<1, 128, 3, 3>>("64x128"),
  };
  return kTable;
}

}  // namespace halftone::cuda
