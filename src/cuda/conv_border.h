#pragma once
#include "cuda/conv_params.h"

/// Which taps of a window lie outside the picture, for the table behind ConvParams::border.
namespace halftone::cuda {

/// Taps along one axis that lie before the first pixel and behind the last; the first tap is at `first`.
__host__ __device__ inline int taps_before(int first, int taps, int dilation) {
  const int before = first < 0 ? (dilation - 1 - first) / dilation : 0;
  return before < taps ? before : taps;
}
__host__ __device__ inline int taps_behind(int first, int taps, int dilation, int extent) {
  const int over = first + (taps - 1) * dilation - extent;
  const int behind = over >= 0 ? over / dilation + 1 : 0;
  return behind < taps ? behind : taps;
}

/// The row of the table that an output pixel takes; 0, which holds zeros, where its window lies inside.
__host__ __device__ inline int border_row(const ConvParams& p, int y, int x) {
  const int top = y * p.stride_height - p.pad_top;
  const int left = x * p.stride_width - p.pad_left;
  const int above = taps_before(top, p.kernel_height, p.dilation_height);
  const int below = taps_behind(top, p.kernel_height, p.dilation_height, p.height);
  const int before = taps_before(left, p.kernel_width, p.dilation_width);
  const int behind = taps_behind(left, p.kernel_width, p.dilation_width, p.width);
  return ((above * p.border_below + below) * p.border_before + before) * p.border_behind + behind;
}

/// The same for 3x3 windows that are neither strided nor dilated.
__host__ __device__ inline int border_row_of_3x3(const ConvParams& p, int y, int x) {
  const int above = taps_before(y - p.pad_top, 3, 1);
  const int below = taps_behind(y - p.pad_top, 3, 1, p.height);
  const int before = taps_before(x - p.pad_left, 3, 1);
  const int behind = taps_behind(x - p.pad_left, 3, 1, p.width);
  return ((above * p.border_below + below) * p.border_before + before) * p.border_behind + behind;
}

}  // namespace halftone::cuda
