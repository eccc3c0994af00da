#pragma once
#include "cuda/conv_wgmma.cuh"

/// The tiles of conv_wgmma for a 16-bit type T, which conv_wgmma_{fp16,bf16}_sm90a.cu compile.
namespace halftone::cuda {

template <typename T>
inline constexpr ConvWgmmaConfig kHalfTiles[] = {
    conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128"),
    conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3>>("64x128"),
    conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64"),
    conv_wgmma_config<T, T, WgmmaTile<1, 64, 3, 4>>("64x64"),
};

/// To the 8-bit type Y.
template <typename T, typename Y>
inline constexpr ConvWgmmaConfig kHalfTilesTo[] = {
    conv_wgmma_config<T, Y, WgmmaTile<2, 128, 3, 2>>("128x128"),
    conv_wgmma_config<T, Y, WgmmaTile<1, 128, 3, 3>>("64x128"),
    conv_wgmma_config<T, Y, WgmmaTile<2, 256, 4, 1, 0, 128, true>>("128x256/fed"),
};

}  // namespace halftone::cuda
