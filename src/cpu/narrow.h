#pragma once
#include "cpu/affine.h"
#include "cpu/panels.h"

// Plain data shared with files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

/// Output lines [line_begin, line_end) of one image of a convolution of few channels in NHWC. In the last axis a kernel
/// row's taps lie side by side, so that each is one run of kw * channels products.
struct NarrowTask {
  const void* x;  ///< the image
  Element x_type;
  long h, w, channels, oh, ow;
  int kh, kw, stride_h, stride_w, pad_top, pad_left;
  unsigned char padding;    ///< 8-bit: the byte around the image
  unsigned char sign_flip;  ///< 8-bit: 0x80 where x is signed
  const void* weights;      ///< panels of kh runs, each rounded up to `dot`
  Destination out;          ///< of the image
  long line_begin, line_end;
  unsigned char* lines;  ///< kh + 1 lines of `line_bytes` bytes
  long line_bytes;       ///< what the windows of a line and 32 more cover, prepared, and 64 bytes
};

/// One instruction set's convolution of few channels: x f32 or bf16, or 8-bit.
struct Narrow {
  void (*floats)(const NarrowTask&);
  void (*int8)(const NarrowTask&);
  Panels panels;
  bool bf16;  ///< x is bf16, and multiplied as it is: weights are bf16, two to a group
};

constexpr int kNarrowRows = 16;  // most rows of a kernel

extern const Narrow narrow_avx2, narrow_avx512, narrow_amx;

}  // namespace halftone::cpu
