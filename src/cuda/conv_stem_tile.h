#pragma once
#include "cuda/conv_stem.h"

/// How the stem's blocks cut up the work, for its kernels and for those who lay out its weights.
namespace halftone::cuda::stem {

constexpr int kTileWidth = 16;
constexpr int kTileHeight = 8;

inline int element_size(StemCompute compute) {
  switch (compute) {
    case StemCompute::kInt8:
    case StemCompute::kFp8: return 1;
    case StemCompute::kFp16:
    case StemCompute::kBf16: return 2;
    case StemCompute::kTf32: return 4;
  }
  return 0;
}

/// Groups of four taps; an even number for one-byte types, which take two groups a product.
inline int tap_groups(const ConvParams& p, int size) {
  const int groups = (p.kernel_height * p.kernel_width + 3) / 4;
  return size == 1 ? (groups + 1) / 2 * 2 : groups;
}

inline int column_tile(const ConvParams& p) { return p.outputs > 32 ? 64 : 32; }

inline int window(int tile, int stride, int kernel, int dilation) {
  return (tile - 1) * stride + (kernel - 1) * dilation + 1;
}

inline size_t shared_bytes(const ConvParams& p, int size) {
  const size_t pixels = static_cast<size_t>(window(kTileHeight, p.stride_height, p.kernel_height, p.dilation_height)) *
                        window(kTileWidth, p.stride_width, p.kernel_width, p.dilation_width);
  const size_t groups = tap_groups(p, size);
  return groups * column_tile(p) * 16 * size + (pixels * 4 * size + 15) / 16 * 16 + groups * 16;
}

}  // namespace halftone::cuda::stem
