#include <cmath>

#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

TEST(QuantizeLinear, RoundsHalfToEvenAndSaturates) {
  const auto x = f32({10}, {0, 1, 3, 5, 7, -1, -3, 1000, -1000, NAN});
  const auto scale = Tensor::scalar<float>(2);
  expect_values(evaluate_line("QuantizeLinear f32:10 f32: u8:", {x, scale, Tensor::scalar<std::uint8_t>(128)})[0],
                {128, 128, 130, 130, 132, 128, 126, 255, 0, 0});
  expect_values(evaluate_line("QuantizeLinear f32:10 f32: i8:", {x, scale, Tensor::scalar<std::int8_t>(1)})[0],
                {1, 1, 3, 3, 5, 1, -1, 127, -128, -128});
  const auto plain = evaluate_line("QuantizeLinear f32:10 f32:", {x, scale})[0];
  EXPECT_EQ(plain.dtype(), DType::u8);
  expect_values(plain, {0, 0, 2, 2, 4, 0, 0, 255, 0, 0});
}

TEST(QuantizeLinear, DividesRatherThanMultipliesByTheInverse) {
  // 0.3f / 0.1f rounds to 3 exactly in float; times 1 / 0.1f it may not. 2.5 * 0.1f / 0.1f is the tie that shows it.
  const float scale = 0.1f;
  const float x = 2.5f * scale;
  const auto expected = std::nearbyint(x / scale);
  expect_values(evaluate_line("QuantizeLinear f32:1 f32:", {Tensor::from<float>({1}, {x}), Tensor::scalar(scale)})[0],
                {static_cast<double>(expected)});
}

TEST(QuantizeLinear, AlongAnAxis) {
  const auto x = f32({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto scale = f32({2}, {1, 2});
  const auto zero = tensor(DType::i8, {2}, {0, 10});
  expect_values(evaluate_line("QuantizeLinear f32:2x2x2 f32:2 i8:2", {x, scale, zero})[0],
                {1, 2, 12, 12, 5, 6, 14, 14});
  expect_values(evaluate_line("QuantizeLinear f32:2x2x2 f32:2 i8:2 axis=-1", {x, scale, zero})[0],
                {1, 11, 3, 12, 5, 13, 7, 14});
}

TEST(QuantizeLinear, HalfTypes) {
  for (const auto dtype : {DType::f16, DType::bf16}) {
    const auto line = fmt::format("QuantizeLinear {0}:3 {0}: u8:", name(dtype));
    const auto y = evaluate_line(
        line, {tensor(dtype, {3}, {1, 2.5, -8}), tensor(dtype, {}, {0.5}), Tensor::scalar<std::uint8_t>(10)});
    expect_values(y[0], {12, 15, 0});
  }
}

TEST(DequantizeLinear, PerTensorPerAxisAndI32) {
  expect_values(
      evaluate_line("DequantizeLinear u8:3 f32: u8:", {tensor(DType::u8, {3}, {0, 128, 255}), Tensor::scalar(0.5f),
                                                       Tensor::scalar<std::uint8_t>(128)})[0],
      {-64, 0, 63.5});
  expect_values(
      evaluate_line("DequantizeLinear i8:2x2 f32:2 i8:2 axis=0", {tensor(DType::i8, {2, 2}, {-128, 127, 1, 2}),
                                                                  f32({2}, {1, 2}), tensor(DType::i8, {2}, {0, 1})})[0],
      {-128, 127, 0, 2});
  expect_values(evaluate_line("DequantizeLinear i32:2 f32:2 axis=0",
                              {tensor(DType::i32, {2}, {-1000000, 3}), f32({2}, {0.5, 2})})[0],
                {-500000, 6});
}

TEST(DynamicQuantizeLinear, RangeHoldsZero) {
  const auto y = evaluate_line("DynamicQuantizeLinear f32:3 outputs=3", {f32({3}, {51, 255, 102})});
  expect_values(y[0], {51, 255, 102});
  expect_values(y[1], {1});
  expect_values(y[2], {0});
  const auto negative = evaluate_line("DynamicQuantizeLinear f32:2 outputs=3", {f32({2}, {-255, -51})});
  expect_values(negative[0], {0, 204});
  expect_values(negative[2], {255});
}

TEST(FusedConv, QuantisesNotANumberAsQuantizeLinearDoes) {
  const double nan = std::nan("");
  const std::vector<Tensor> operands{
      f32({1, 1, 1, 3}, {nan, 1, 1e9}), f32({3, 1, 1, 1}, {1, 1, 1}), Tensor(), Tensor(), Tensor(),
      f32({6}, {1, 0, 1, 0, 0.5, 3})};
  for (const auto* type : {"u8", "i8"}) {
    const auto fused =
        evaluate_line(fmt::format("FusedConv f32:1x1x1x3 f32:3x1x1x1 _ _ _ f32:6 group=3 to={}", type), operands);
    const auto plain = evaluate_line(fmt::format("QuantizeLinear f32:3 f32: {}:", type),
                                     {f32({3}, {nan, 1, 1e9}), f32({}, {0.5}), tensor(*parse_dtype(type), {}, {3})});
    EXPECT_EQ(fused[0].to_doubles(), plain[0].to_doubles()) << type;
  }
}

}  // namespace
}  // namespace halftone
