#pragma once
#include "cpu/affine.h"
#include "cpu/panels.h"

// Plain data shared with files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

/// Rows [row_begin, row_end) times columns [column_begin, column_end) of a 1x1 convolution. Row r of x lies at
/// x + (r / row_length) * line_stride + (r % row_length) * pixel_stride bytes. Columns begin at multiples of a panel.
struct PointwiseTask {
  const void* x;
  long row_length, line_stride, pixel_stride;
  long row_begin, row_end;
  int depth;  ///< inputs
  int column_begin, column_end;
  const void* weights;  ///< panels
  Destination out;
  unsigned char sign_flip;  ///< 8-bit: 0x80 where x is signed
  bool prepare;             ///< 8-bit: rows must be prepared into `scratch` first
  unsigned char* scratch;
};

/// One instruction set's 1x1 convolution.
struct Pointwise {
  void (*f32)(const PointwiseTask&);
  void (*int8)(const PointwiseTask&);
  Panels panels;
};

extern const Pointwise pointwise_avx2, pointwise_avx512;

}  // namespace halftone::cpu
