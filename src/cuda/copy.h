#pragma once
#include <cuda_runtime.h>

#include <cstdint>

/// Copies whose places follow a pattern.
namespace halftone::cuda {

/// Every stride-th pixel of every stride-th line: out [batch, out_height, out_width] from in [batch, height, width], a
/// pixel being `pixel_bytes` long, a multiple of 4.
struct PickParams {
  const void* input = nullptr;
  void* output = nullptr;
  int64_t batch = 1;
  int height = 1, width = 1, out_height = 1, out_width = 1;
  int stride_height = 1, stride_width = 1;
  int pixel_bytes = 16;
};

cudaError_t pick_pixels(const PickParams& p, cudaStream_t stream);

/// Rows of `from_bytes` at the start of rows of `to_bytes` (more, a multiple of 16), zeros behind them.
cudaError_t widen_rows(const void* input, void* output, int64_t rows, int from_bytes, int to_bytes,
                       cudaStream_t stream);

/// Up to kMostParts arrays of `rows` rows, side by side in one; widths in bytes, all multiples of `word` (1, 2, 4, 8 or
/// 16), which divides all addresses too.
constexpr int kMostParts = 8;
struct ConcatParams {
  const void* inputs[kMostParts] = {};
  int64_t ends[kMostParts] = {};  ///< where each part ends in an output row, in words
  int parts = 0;
  void* output = nullptr;
  int64_t rows = 1;
  int word = 1;
};

cudaError_t concat(const ConcatParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
