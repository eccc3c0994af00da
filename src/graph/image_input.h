#pragma once
#include "graph/problem.h"

namespace halftone {

/// How pictures enter a network: normalised, laid out channels last and brought to the type of the first convolution in
/// one pass.
///
/// inputs: 0 x [N,C,H,W], or [N,H,W,C] with layout=NHWC, u8 or f32; 1 multiply f32 [C] or absent (1); 2 add f32 [C] or
///   absent (0); and where `to` is u8, i8 or f8e4m3: 3 scale f32 scalar; 4 zero point scalar of that type or absent
///   (0).
/// output: [N,H,W,C] of dtype `to` (default f32).
/// y = x * multiply + add, rounded to f32 once; then as Cast, or QuantizeLinear, has it.
struct ImageInput {
  std::int64_t n = 1, c = 1, h = 1, w = 1;
  bool channels_last = false;  ///< x
  DType from = DType::f32, to = DType::f32;
  enum Input : std::size_t { kX, kMultiply, kAdd, kScale, kZero };
};

/// Reads an ImageInput Problem. Throws invalid_model where it does not hold together.
ImageInput image_input_of(const Problem& problem);

}  // namespace halftone
