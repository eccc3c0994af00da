#pragma once
#include "cpu/affine.h"

// Plain data shared with files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

/// Output lines [line_begin, line_end) (counted over all images) of a depthwise convolution in NHWC.
struct DepthwiseTask {
  const void* x;
  Element x_type;
  float x_zero;
  long h, w, channels, oh, ow;
  int kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  const float* weights;  ///< [kh][kw][channels padded to 16]
  long weight_stride;
  Affine affine;
  Element residual_type, y_type;
  const void* residual;
  void* y;
  long line_begin, line_end;
};

using Depthwise = void (*)(const DepthwiseTask&);

extern const Depthwise depthwise_avx2, depthwise_avx512;

}  // namespace halftone::cpu
