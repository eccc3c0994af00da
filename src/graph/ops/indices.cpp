#include "graph/ops/indices.h"

namespace halftone::ops {

std::int64_t index_within(std::int64_t index, std::int64_t extent) {
  if (index < -extent || index >= extent)
    fail(Code::invalid_argument, "index {} is out of range for an extent of {}", index, extent);
  return index < 0 ? index + extent : index;
}

std::vector<std::int64_t> indices_within(const Tensor& indices, std::int64_t extent) {
  auto values = indices.to_ints();
  for (auto& value : values) value = index_within(value, extent);
  return values;
}

void require_inside(const Shape& indices, const Shape& data, std::size_t axis) {
  bool fits = indices.rank() == data.rank();
  for (std::size_t i = 0; fits && i < data.rank(); ++i) fits = i == axis || indices[i] <= data[i];
  if (!fits) fail(Code::invalid_model, "indices {} do not fit data {}", indices.text(), data.text());
}

}  // namespace halftone::ops
