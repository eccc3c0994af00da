#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

/// The operator on NHWC data, between two Transposes, must be the operator on NCHW data to the bit.
class Layouts : public testing::TestWithParam<const char*> {};

TEST_P(Layouts, NhwcIsTransposedNchw) {
  const Shape nchw{2, 3, 6, 5};
  const std::string_view spec = GetParam();
  const auto space = std::min(spec.find(' '), spec.size());
  const std::string op(spec.substr(0, space)), rest(spec.substr(space));
  std::vector<double> values;
  for (int i = 0; i < 180; ++i) values.push_back((i * 37 % 101 - 50) / 8.0);
  std::vector<Tensor> inputs{f32(nchw, values)};
  const auto channel = f32({3}, {0.5, 2, 1.25});
  while (inputs.size() < (op == "BatchNormalization" ? 5u : op == "InstanceNormalization" ? 3u : 1u))
    inputs.push_back(channel);
  const auto expected = evaluate_line(fmt::format("{} f32:2x3x6x5{}", op, rest), inputs)[0];
  inputs[0] = evaluate_line("Transpose f32:2x3x6x5 perm=0,2,3,1", {inputs[0]})[0];
  const auto y = evaluate_line(fmt::format("{} f32:2x6x5x3{} layout=NHWC", op, rest), inputs)[0];
  const auto back = evaluate_line(fmt::format("Transpose {} perm=0,3,1,2", y.type().text()), {y})[0];
  EXPECT_EQ(back.shape(), expected.shape());
  expect_values(back, expected.to_doubles());
}

INSTANTIATE_TEST_SUITE_P(Operators, Layouts,
                         testing::Values("MaxPool kernel_shape=3,2 pads=1,0,1,1 strides=2,1",
                                         "MaxPool ceil_mode=1 kernel_shape=3*2 strides=2*2",
                                         "AveragePool kernel_shape=3*2 pads=1*4",
                                         "AveragePool count_include_pad=1 kernel_shape=2,3 pads=1*4",
                                         "LpPool kernel_shape=2,2", "GlobalAveragePool", "GlobalMaxPool",
                                         "GlobalLpPool", "LRN size=3", "BatchNormalization f32:3 f32:3 f32:3 f32:3",
                                         "InstanceNormalization f32:3 f32:3",
                                         "Resize mode=linear scales=1.0,1.0,2.0,0.5", "Resize sizes=2,3,4,9",
                                         "Resize axes=3,2 mode=cubic sizes=7,8"));

}  // namespace
}  // namespace halftone
