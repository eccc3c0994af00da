#pragma once
#include "core/tensor.h"
#include "cpu/panels.h"

namespace halftone::cpu {

/// Weights of f32, bf16 or i8, [columns][depth] in row-major order, in panels.
Tensor pack_panels(const Tensor& weights, std::int64_t columns, std::int64_t depth, const Panels& panels);

}  // namespace halftone::cpu
