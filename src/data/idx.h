#pragma once
#include <string_view>

#include "core/tensor.h"

namespace halftone {

/// Whether the bytes begin as an IDX file does (two zeros, a type code, a rank).
bool is_idx(std::string_view bytes);

/// An IDX file (the format of MNIST), already unpacked: big-endian u8, i8, i16, i32, f32 or f64 of any rank up to 8.
/// Throws invalid_model, its message beginning with `name`.
Tensor parse_idx(std::string_view bytes, std::string_view name);

}  // namespace halftone
