#pragma once
#include <vector>

#include "graph/ops/helpers.h"

/// What gathering and scattering operators share.
namespace halftone::ops {

/// An index counted from the end where negative. Throws invalid_argument when it is out of range.
std::int64_t index_within(std::int64_t index, std::int64_t extent);

/// All elements of an i32 or i64 tensor, each within `extent`.
std::vector<std::int64_t> indices_within(const Tensor& indices, std::int64_t extent);

/// Throws invalid_model unless `indices` has the rank of `data` and, away from `axis`, no larger extents.
void require_inside(const Shape& indices, const Shape& data, std::size_t axis);

}  // namespace halftone::ops
