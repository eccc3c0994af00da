#include "cuda/conv_strip.cuh"

namespace halftone::cuda {

std::span<const ConvStripConfig> conv_strip_bf16() {
  using T = __nv_bfloat16;
  static constexpr ConvStripConfig kTable[] = {
      conv_strip_config<T, T, StripTile<64, 128, 1>>("64/128"),
      conv_strip_config<T, T, StripTile<64, 64, 2>>("64/64"),
      conv_strip_config<T, T, StripTile<64, 64, 1>>("64/64/1"),
  };
  return kTable;
}

}  // namespace halftone::cuda
