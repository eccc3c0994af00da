#pragma once
#include <vector>

#include "graph/op.h"

namespace halftone::ops {

/// NumPy's matmul: operands of rank 1 gain an axis that the result loses again, leading axes broadcast.
struct BatchedMatmul {
  std::int64_t m = 1, n = 1, k = 1;
  std::vector<std::int64_t> a_offsets, b_offsets;  ///< where each product's operands begin, in elements
  Shape output;
};

/// The output shape alone: nothing is allocated for it. Throws invalid_model when the shapes do not fit.
Shape matmul_shape(const Shape& a, const Shape& b);
BatchedMatmul matmul_of(const Shape& a, const Shape& b);
double matmul_flops(const Problem& problem, std::size_t a, std::size_t b);

}  // namespace halftone::ops
