#pragma once
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "graph/op.h"

namespace halftone {

/// The outputs of a Problem line for these inputs.
inline std::vector<Tensor> evaluate_line(std::string_view line, const std::vector<Tensor>& inputs) {
  return evaluate(Problem::parse(line), inputs);
}

/// A tensor of `dtype` from values.
inline Tensor tensor(DType dtype, Shape shape, const std::vector<double>& values) {
  return Tensor::from<double>(std::move(shape), std::span<const double>(values)).to(dtype);
}
inline Tensor f32(Shape shape, const std::vector<double>& values) {
  return tensor(DType::f32, std::move(shape), values);
}

inline void expect_values(const Tensor& actual, const std::vector<double>& expected, double tolerance = 0) {
  const auto values = actual.to_doubles();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], tolerance) << "element " << i;
}

/// 1, 2, 3 …
inline std::vector<double> counting(std::size_t count, double first = 1) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(first + static_cast<double>(i));
  return values;
}

}  // namespace halftone
