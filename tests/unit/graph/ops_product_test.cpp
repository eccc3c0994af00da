#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

TEST(Conv, StridePaddingBias) {
  const auto x = f32({1, 1, 3, 3}, counting(9));
  const auto w = f32({1, 1, 3, 3}, std::vector<double>(9, 1));
  expect_values(evaluate_line("Conv f32:1x1x3x3 f32:1x1x3x3 pads=1*4", {x, w})[0],
                {12, 21, 16, 27, 45, 33, 24, 39, 28});
  expect_values(evaluate_line("Conv f32:1x1x3x3 f32:1x1x3x3 f32:1 pads=1*4 strides=2*2", {x, w, f32({1}, {0.5})})[0],
                {12.5, 16.5, 24.5, 28.5});
}

TEST(Conv, DilationAndGroups) {
  expect_values(
      evaluate_line("Conv f32:1x1x5 f32:1x1x2 dilations=3", {f32({1, 1, 5}, counting(5)), f32({1, 1, 2}, {10, 1})})[0],
      {14, 25});
  expect_values(evaluate_line("Conv f32:1x4x1 f32:2x2x1 group=2",
                              {f32({1, 4, 1}, counting(4)), f32({2, 2, 1}, {1, 10, 1, 10})})[0],
                {21, 43});
}

TEST(Conv, SamePaddingPutsTheOddElementWhereItSays) {
  const std::vector<Tensor> in{f32({1, 1, 4}, counting(4)), f32({1, 1, 2}, {1, 10})};
  expect_values(evaluate_line("Conv f32:1x1x4 f32:1x1x2 auto_pad=SAME_UPPER", in)[0], {21, 32, 43, 4});
  expect_values(evaluate_line("Conv f32:1x1x4 f32:1x1x2 auto_pad=SAME_LOWER", in)[0], {10, 21, 32, 43});
}

TEST(ConvTranspose, ScattersAndCrops) {
  // A column-free case: every input spreads its value over three outputs, two apart.
  const std::vector<Tensor> in{f32({1, 1, 3}, {1, 2, 3}), f32({1, 1, 3}, {1, 10, 100})};
  expect_values(evaluate_line("ConvTranspose f32:1x1x3 f32:1x1x3 strides=2", in)[0], {1, 10, 102, 20, 203, 30, 300});
  expect_values(evaluate_line("ConvTranspose f32:1x1x3 f32:1x1x3 pads=1,1 strides=2", in)[0], {10, 102, 20, 203, 30});
  expect_values(evaluate_line("ConvTranspose f32:1x1x3 f32:1x1x3 output_padding=1 pads=1,1 strides=2", in)[0],
                {10, 102, 20, 203, 30, 300});
  expect_values(evaluate_line("ConvTranspose f32:1x1x3 f32:1x1x3 auto_pad=SAME_UPPER strides=2", in)[0],
                {1, 10, 102, 20, 203, 30});
  expect_values(evaluate_line("ConvTranspose f32:1x1x3 f32:1x1x3 output_shape=6 strides=2", in)[0],
                {10, 102, 20, 203, 30, 300});
}

TEST(Gemm, TransposesScalesAndBroadcasts) {
  const auto a = f32({2, 3}, counting(6));
  const auto b = f32({3, 2}, {1, 0, 0, 1, 1, 1});
  expect_values(evaluate_line("Gemm f32:2x3 f32:3x2", {a, b})[0], {4, 5, 10, 11});
  expect_values(evaluate_line("Gemm f32:2x3 f32:3x2 f32:2x1 alpha=2.0 beta=0.5", {a, b, f32({2, 1}, {2, 4})})[0],
                {9, 11, 22, 24});
  expect_values(evaluate_line("Gemm f32:3x2 f32:2x3 transA=1 transB=1", {b, a})[0], {4, 10, 5, 11});
}

TEST(MatMul, BatchesBroadcastAndVectorsLoseTheirAxis) {
  const auto a = f32({2, 1, 2}, {1, 2, 3, 4});
  const auto b = f32({2, 1}, {10, 1});
  const auto y = evaluate_line("MatMul f32:2x1x2 f32:2x1", {a, b})[0];
  EXPECT_EQ(y.shape(), (Shape{2, 1, 1}));
  expect_values(y, {12, 34});
  const auto dot = evaluate_line("MatMul f32:2 f32:2", {f32({2}, {1, 2}), f32({2}, {3, 4})})[0];
  EXPECT_EQ(dot.shape(), Shape{});
  expect_values(dot, {11});
  const auto row = evaluate_line("MatMul f32:2 f32:3x2x1", {f32({2}, {1, 2}), f32({3, 2, 1}, counting(6))})[0];
  EXPECT_EQ(row.shape(), (Shape{3, 1}));
  expect_values(row, {5, 11, 17});
}

TEST(MatMul, IntegersWrap) {
  const auto big = tensor(DType::i32, {1, 1}, {65536});
  expect_values(evaluate_line("MatMul i32:1x1 i32:1x1", {big, big})[0], {0});
}

TEST(IntegerProducts, SubtractZeroPoints) {
  const auto a = tensor(DType::u8, {2, 2}, {11, 7, 3, 0});
  const auto b = tensor(DType::u8, {2, 2}, {1, 1, 0, 2});
  expect_values(evaluate_line("MatMulInteger u8:2x2 u8:2x2 u8: u8:2",
                              {a, b, Tensor::scalar<std::uint8_t>(10), tensor(DType::u8, {2}, {0, 1})})[0],
                {1, -3, -7, -10});
  const auto x = tensor(DType::u8, {1, 1, 3}, {2, 3, 4});
  const auto w = tensor(DType::u8, {1, 1, 2}, {1, 1});
  expect_values(evaluate_line("ConvInteger u8:1x1x3 u8:1x1x2 u8: pads=1,0", {x, w, Tensor::scalar<std::uint8_t>(1)})[0],
                {1, 3, 5});
}

TEST(QLinearMatMul, RequantisesHalfToEven) {
  const auto scale = [](float value) { return Tensor::scalar<float>(value); };
  const auto zero = [](std::uint8_t value) { return Tensor::scalar<std::uint8_t>(value); };
  const auto y = evaluate_line("QLinearMatMul u8:1x1 f32: u8: u8:1x4 f32: u8: f32: u8:",
                               {tensor(DType::u8, {1, 1}, {1}), scale(1), zero(0),
                                tensor(DType::u8, {1, 4}, {1, 3, 5, 255}), scale(0.5f), zero(0), scale(1), zero(130)});
  expect_values(y[0], {130, 132, 132, 255});
}

}  // namespace
}  // namespace halftone
