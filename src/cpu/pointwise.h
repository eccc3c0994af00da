#pragma once
#include "cpu/affine.h"

// Plain data shared with files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

/// Rows [row_begin, row_end) times columns [column_begin, column_end) of a 1x1 convolution. Row r of x lies at
/// x + (r / row_length) * line_stride + (r % row_length) * pixel_stride bytes. Columns begin at multiples of a panel.
struct PointwiseTask {
  const void* x;
  long row_length, line_stride, pixel_stride;
  long row_begin, row_end;
  int depth, channels;  ///< inputs and outputs
  int column_begin, column_end;
  const void* weights;  ///< panels as pack_panel() describes them
  Affine affine;
  Element residual_type, y_type;
  const void* residual;
  void* y;
  unsigned char sign_flip;  ///< 8-bit: 0x80 where x is signed
  bool prepare;             ///< 8-bit: rows must be prepared into `scratch` first
  unsigned char* scratch;
};

/// One instruction set's 1x1 convolution. Weights lie in panels of `panel` columns: for each group of `dot` inputs,
/// `width` columns a vector; the last panel has as many vectors as it needs; what is missing is zero.
struct Pointwise {
  void (*f32)(const PointwiseTask&);
  void (*int8)(const PointwiseTask&);
  int width, panel, rows;
  int dot;               ///< 8-bit inputs in a 32-bit lane
  int weight_bytes;      ///< of an 8-bit weight in a panel
  int prepared_bytes;    ///< of a prepared 8-bit input
  bool always_prepares;  ///< 8-bit rows of any type and depth are prepared
  int signed_shift;      ///< what preparing adds to signed inputs
};

extern const Pointwise pointwise_avx2, pointwise_avx512;

}  // namespace halftone::cpu
