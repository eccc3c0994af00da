#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

namespace {

using T = __nv_bfloat16;

}  // namespace

std::span<const ConvWgmmaConfig> conv_wgmma_bf16() {
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3>>("64x128"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64"),
      conv_wgmma_config<T, T, WgmmaTile<1, 64, 3, 4>>("64x64"),
  };
  return kTable;
}

std::span<const ConvWgmmaConfig> conv_wgmma_bf16_to_fp8() {
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, __nv_fp8_e4m3, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<T, __nv_fp8_e4m3, WgmmaTile<1, 128, 3, 3>>("64x128"),
  };
  return kTable;
}

std::span<const ConvWgmmaConfig> conv_wgmma_bf16_to_int8() {
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, int8_t, WgmmaTile<2, 128, 3, 2>>("128x128"),
      conv_wgmma_config<T, int8_t, WgmmaTile<1, 128, 3, 3>>("64x128"),
  };
  return kTable;
}

}  // namespace halftone::cuda
