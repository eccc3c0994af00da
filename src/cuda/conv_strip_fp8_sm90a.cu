#include "cuda/conv_strip.cuh"

namespace halftone::cuda {

std::span<const ConvStripConfig> conv_strip_fp8() {
  using T = __nv_fp8_e4m3;
  static constexpr ConvStripConfig kTable[] = {
      conv_strip_config<T, T, StripTile<64, 64, 2>>("64/64"),
      conv_strip_config<T, T, StripTile<64, 64, 1>>("64/64/1"),
      conv_strip_config<T, T, StripTile<128, 128, 1>>("128/128"),
      conv_strip_config<T, T, StripTile<64, 128, 1>>("64/128"),
  };
  return kTable;
}

}  // namespace halftone::cuda
