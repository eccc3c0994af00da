#include <cmath>

#include "graph/text.h"
#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

TEST(MaxPool, CeilModeAddsAPartialWindow) {
  const auto x = f32({1, 1, 4, 4}, counting(16));
  expect_values(evaluate_line("MaxPool f32:1x1x4x4 kernel_shape=3*2 strides=2*2", {x})[0], {11});
  expect_values(evaluate_line("MaxPool f32:1x1x4x4 kernel_shape=3*2 strides=2*2 ceil_mode=1", {x})[0],
                {11, 12, 15, 16});
}

TEST(MaxPool, CeilModeDropsAWindowThatStartsInTheEndPadding) {
  // Windows of 2 at -1, 1, 3: the last would begin in the padding.
  const auto y =
      evaluate_line("MaxPool f32:1x1x3 ceil_mode=1 kernel_shape=2 pads=1,1 strides=2", {f32({1, 1, 3}, {7, 5, 6})});
  expect_values(y[0], {7, 6});
}

TEST(MaxPool, Dilation) {
  expect_values(
      evaluate_line("MaxPool f32:1x1x4x4 dilations=2*2 kernel_shape=2*2", {f32({1, 1, 4, 4}, counting(16))})[0],
      {11, 12, 15, 16});
}

TEST(MaxPool, IndicesWithoutValues) {
  const Graph graph = parse_graph("input x f32:1x1x2x4\n_, j = MaxPool(x) kernel_shape=2*2 strides=2*2\noutput j\n");
  expect_values(evaluate(graph, {{f32({1, 1, 2, 4}, {1, 5, 2, 3, 4, 0, 1, 8})}})[0], {1, 7});
}

TEST(MaxPool, IndicesCountInTheWholeTensorRowOrColumnMajor) {
  const auto x = f32({1, 2, 2, 3}, {1, 5, 2, 3, 4, 0, /**/ 9, 1, 1, 1, 1, 8});
  const auto rows = evaluate_line("MaxPool f32:1x2x2x3 kernel_shape=2,2 outputs=2", {x});
  expect_values(rows[0], {5, 5, 9, 8});
  expect_values(rows[1], {1, 1, 6, 11});
  const auto columns = evaluate_line("MaxPool f32:1x2x2x3 kernel_shape=2,2 outputs=2 storage_order=1", {x});
  expect_values(columns[1], {2, 2, 6, 11});
}

TEST(MaxPool, PaddingNeverWins) {
  expect_values(evaluate_line("MaxPool f32:1x1x2 kernel_shape=2 pads=1,1", {f32({1, 1, 2}, {-3, -4})})[0],
                {-3, -3, -4});
  expect_values(
      evaluate_line("MaxPool i8:1x1x2 kernel_shape=2 pads=1,1", {tensor(DType::i8, {1, 1, 2}, {-128, -7})})[0],
      {-128, -7, -7});
}

TEST(AveragePool, WhetherPaddingCounts) {
  const auto x = f32({1, 1, 4}, counting(4));
  const std::string line = "AveragePool f32:1x1x4 ceil_mode=1 kernel_shape=3 pads=1,1 strides=2";
  expect_values(evaluate_line(line, {x})[0], {1.5, 3, 4});
  // The last window reads 4, one padding element, and hangs over the end by one that does not count.
  expect_values(evaluate_line(line + " count_include_pad=1", {x})[0], {1, 3, 2});
}

TEST(AveragePool, DilatedWindowsCountTheirOwnTaps) {
  const auto x = f32({1, 1, 5}, {1, 10, 100, 1000, 10000});
  expect_values(evaluate_line("AveragePool f32:1x1x5 dilations=2 kernel_shape=2", {x})[0], {50.5, 505, 5050});
  expect_values(evaluate_line("AveragePool f32:1x1x5 count_include_pad=1 dilations=3 kernel_shape=2 pads=1,1", {x})[0],
                {50, 500.5, 5005, 50});
}

TEST(AveragePool, SamePadding) {
  const auto x = f32({1, 1, 4}, counting(4));
  expect_values(evaluate_line("AveragePool f32:1x1x4 auto_pad=SAME_UPPER kernel_shape=2", {x})[0], {1.5, 2.5, 3.5, 4});
  expect_values(evaluate_line("AveragePool f32:1x1x4 auto_pad=SAME_LOWER kernel_shape=2", {x})[0], {1, 1.5, 2.5, 3.5});
  expect_values(evaluate_line("AveragePool f32:1x1x4 auto_pad=VALID kernel_shape=2 pads=9,9", {x})[0], {1.5, 2.5, 3.5});
}

TEST(LpPool, Norms) {
  expect_values(evaluate_line("LpPool f32:1x1x3 kernel_shape=2 p=2", {f32({1, 1, 3}, {3, -4, 0})})[0], {5, 4}, 1e-6);
  expect_values(evaluate_line("GlobalLpPool f32:1x1x3 p=1", {f32({1, 1, 3}, {3, -4, 2})})[0], {9});
}

TEST(GlobalPool, AverageAndMaximum) {
  const auto x = f32({1, 2, 2, 2}, {1, 2, 3, 6, -1, -2, -3, -6});
  expect_values(evaluate_line("GlobalAveragePool f32:1x2x2x2", {x})[0], {3, -3});
  expect_values(evaluate_line("GlobalMaxPool f32:1x2x2x2", {x})[0], {6, -1});
}

}  // namespace
}  // namespace halftone
