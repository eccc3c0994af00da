#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

std::span<const ConvWgmmaConfig> conv_wgmma_int8() {
  using T = int8_t;
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 4, 2, 0, 64>>("128x128/64"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 6, 3, 0, 64>>("128x64/64"),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 5, 3, 0, 64, true>>("64x128/64/fed"),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3, 0, 128, true>>("64x128/fed"),
      conv_wgmma_config<T, T, WgmmaTile<2, 256, 4, 1, 0, 128, true>>("128x256/fed"),
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3>>("64x128"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64"),
      conv_wgmma_config<T, T, WgmmaTile<3, 256, 3, 1>>("192x256"),
  };
  return kTable;
}

namespace {

template <typename Y>
constexpr ConvWgmmaConfig kTilesTo[] = {
    conv_wgmma_config<int8_t, Y, WgmmaTile<2, 128, 3, 2>>("128x128"),
    conv_wgmma_config<int8_t, Y, WgmmaTile<1, 128, 3, 3>>("64x128"),
};

}  // namespace

std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_fp32() { return kTilesTo<float>; }
std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_fp16() { return kTilesTo<__half>; }
std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_bf16() { return kTilesTo<__nv_bfloat16>; }

}  // namespace halftone::cuda
