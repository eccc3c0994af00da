#include <cmath>

#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

TEST(LRN, WindowsOfEvenSizeReachFurtherForward) {
  const auto x = f32({1, 3, 1, 1}, {1, 2, 3});
  // size 2: each channel and the one after it; alpha / size = 1.
  expect_values(evaluate_line("LRN f32:1x3x1x1 alpha=2.0 beta=1.0 bias=1.0 size=2", {x})[0], {1. / 6, 2. / 14, 3. / 10},
                1e-7);
  expect_values(evaluate_line("LRN f32:1x3x1x1 alpha=3.0 beta=1.0 bias=0.0 size=3", {x})[0], {1. / 5, 2. / 14, 3. / 13},
                1e-7);
}

TEST(BatchNormalization, Inference) {
  const auto y = evaluate_line(
      "BatchNormalization f32:1x2x2 f32:2 f32:2 f32:2 f32:2 epsilon=0.0",
      {f32({1, 2, 2}, {1, 2, 3, 4}), f32({2}, {2, 1}), f32({2}, {0, 10}), f32({2}, {1, 2}), f32({2}, {4, 0.25})});
  expect_values(y[0], {0, 1, 12, 14}, 1e-6);
}

TEST(LayerNormalization, StatisticsAndOptionalBias) {
  const auto y = evaluate_line("LayerNormalization f32:2x2 f32:2 epsilon=0.0 outputs=3",
                               {f32({2, 2}, {1, 3, 10, 30}), f32({2}, {1, 2})});
  expect_values(y[0], {-1, 2, -1, 2}, 1e-6);
  EXPECT_EQ(y[1].shape(), (Shape{2, 1}));
  expect_values(y[1], {2, 20});
  expect_values(y[2], {1, 0.1}, 1e-7);
}

TEST(GroupNormalization, GroupsShareStatisticsAndChannelsHaveTheirScale) {
  const auto y = evaluate_line("GroupNormalization f32:1x4x1 f32:4 f32:4 epsilon=0.0 num_groups=2",
                               {f32({1, 4, 1}, {1, 3, 10, 30}), f32({4}, {1, 2, 3, 4}), f32({4}, {0, 0, 0, 1})});
  expect_values(y[0], {-1, 2, -3, 5}, 1e-6);
}

TEST(InstanceNormalization, EveryChannelAlone) {
  const auto y = evaluate_line("InstanceNormalization f32:1x2x2 f32:2 f32:2 epsilon=0.0",
                               {f32({1, 2, 2}, {1, 3, 10, 30}), f32({2}, {1, 2}), f32({2}, {0, 1})});
  expect_values(y[0], {-1, 1, -1, 3}, 1e-6);
}

TEST(LpNormalization, ZeroStaysZero) {
  expect_values(evaluate_line("LpNormalization f32:2x2 axis=1", {f32({2, 2}, {3, 4, 0, 0})})[0], {0.6, 0.8, 0, 0},
                1e-7);
  expect_values(evaluate_line("LpNormalization f32:2x2 axis=0 p=1", {f32({2, 2}, {3, -4, 1, 0})})[0],
                {0.75, -1, 0.25, 0}, 1e-7);
}

TEST(MeanVarianceNormalization, Axes) {
  expect_values(evaluate_line("MeanVarianceNormalization f32:2x2 axes=0,", {f32({2, 2}, {1, 10, 3, 30})})[0],
                {-1, -1, 1, 1}, 1e-6);
}

}  // namespace
}  // namespace halftone
