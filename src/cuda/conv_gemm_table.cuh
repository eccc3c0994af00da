#pragma once
#include "cuda/conv_gemm.cuh"
#include "cuda/conv_gemm.h"

/// The tile sizes compiled for each data type.
namespace halftone::cuda {

template <typename T, typename Out, typename Tile>
constexpr ConvGemmConfig conv_gemm_config(std::string_view name) {
  return {name,
          Tile::kRows,
          Tile::kColumns,
          launch_conv_gemm<T, Out, Tile>,
          conv_gemm_workspace<T, Tile>,
          Tile::shared_bytes};
}

template <typename T, typename Out>
std::span<const ConvGemmConfig> conv_gemm_table() {
  static constexpr ConvGemmConfig kTable[] = {
      conv_gemm_config<T, Out, GemmTile<128, 128, 64, 64, 4, 2>>("128x128"),
      conv_gemm_config<T, Out, GemmTile<128, 256, 64, 64, 4, 1>>("128x256"),
      conv_gemm_config<T, Out, GemmTile<256, 64, 64, 64, 4, 2>>("256x64"),
      conv_gemm_config<T, Out, GemmTile<128, 64, 64, 32, 4, 3>>("128x64"),
      conv_gemm_config<T, Out, GemmTile<64, 64, 32, 32, 6, 3>>("64x64"),
      conv_gemm_config<T, Out, GemmTile<32, 64, 32, 16, 6, 4>>("32x64"),
  };
  return kTable;
}

/// Those for types that differ, as they do where a stretch of 8 bits begins or ends. A residual of 16 bits and 64
/// columns a warp would take more registers than there are.
template <typename T, typename Out>
std::span<const ConvGemmConfig> conv_gemm_border_table() {
  constexpr bool kWide = sizeof(T) == 1;
  using Largest = std::conditional_t<kWide, GemmTile<128, 128, 64, 64, 4, 2>, GemmTile<128, 64, 64, 32, 4, 3>>;
  static constexpr ConvGemmConfig kTable[] = {
      conv_gemm_config<T, Out, Largest>(kWide ? "128x128" : "128x64"),
      conv_gemm_config<T, Out, GemmTile<64, 64, 32, 32, 6, 3>>("64x64"),
      conv_gemm_config<T, Out, GemmTile<32, 64, 32, 16, 6, 4>>("32x64"),
  };
  return kTable;
}

}  // namespace halftone::cuda
