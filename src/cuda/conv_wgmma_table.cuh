#pragma once
#include "cuda/conv_wgmma.cuh"

/// The tile sizes compiled for each data type.
namespace halftone::cuda {

template <typename T, typename Out>
std::span<const ConvWgmmaConfig> conv_wgmma_table() {
  // Sums of 8-bit floats are added up outside the tensor cores, see WgmmaTile.
  constexpr bool kPromote = std::is_same_v<T, __nv_fp8_e4m3>;
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, Out, WgmmaTile<2, 128, 6, 1, kPromote>>("128x128"),
      conv_wgmma_config<T, Out, WgmmaTile<2, 64, 4, 2, kPromote>>("128x64"),
      conv_wgmma_config<T, Out, WgmmaTile<1, 128, 3, 2, kPromote>>("64x128"),
  };
  return kTable;
}

}  // namespace halftone::cuda
