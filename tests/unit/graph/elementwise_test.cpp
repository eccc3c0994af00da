#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

template <typename T>
Tensor list(std::initializer_list<T> values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values);
}

TEST(Elementwise, IntegerDivisionGoesTowardsZeroAndNeverTraps) {
  const auto a = list<std::int32_t>({7, -7, 7, std::numeric_limits<std::int32_t>::min(), 5});
  const auto b = list<std::int32_t>({2, 2, -2, -1, 0});
  EXPECT_EQ(run("Div", "", {a, b}).to_ints(), (Ints{3, -3, -3, std::numeric_limits<std::int32_t>::min(), 0}));
}

TEST(Elementwise, ModFollowsTheDivisorAndFmodTheDividend) {
  const auto a = list<std::int8_t>({5, -5, 5, -5, 3, -128});
  const auto b = list<std::int8_t>({3, 3, -3, -3, 0, -1});
  EXPECT_EQ(run("Mod", "", {a, b}).to_ints(), (Ints{2, 1, -1, -2, 0, 0}));
  EXPECT_EQ(run("Mod", "fmod=1", {a, b}).to_ints(), (Ints{2, -2, 2, -2, 0, 0}));
  EXPECT_EQ(run("Mod", "fmod=1", {list({-4.5f}), list({2.0f})}).to_doubles(), (Doubles{-0.5}));
}

TEST(Elementwise, IntegersWrap) {
  EXPECT_EQ(run("Add", "", {list<std::uint8_t>({250}), list<std::uint8_t>({10})}).to_ints(), (Ints{4}));
  EXPECT_EQ(run("Mul", "", {list<std::uint16_t>({65535}), list<std::uint16_t>({65535})}).to_ints(), (Ints{1}));
  EXPECT_EQ(run("Sub", "", {list<std::int64_t>({std::numeric_limits<std::int64_t>::min()}), list<std::int64_t>({1})})
                .to_ints(),
            (Ints{std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(run("Neg", "", {list<std::int8_t>({-128, 5})}).to_ints(), (Ints{-128, -5}));
  EXPECT_EQ(run("Abs", "", {list<std::int8_t>({-128, -5})}).to_ints(), (Ints{-128, 5}));
}

TEST(Elementwise, PowMixesTypesAndIsExactOnIntegers) {
  EXPECT_EQ(run("Pow", "", {list<std::int64_t>({3, -2}), list<std::int32_t>({39, 3})}).to_ints(),
            (Ints{4052555153018976267, -8}));
  EXPECT_EQ(run("Pow", "", {list<std::int32_t>({4}), list<float>({0.5f})}).to_ints(), (Ints{2}));
  EXPECT_EQ(run("Pow", "", {list<float>({2}), list<std::int64_t>({-1})}).to_doubles(), (Doubles{0.5}));
  EXPECT_EQ(run("Pow", "", {list<std::int32_t>({2, 0}), list<std::int32_t>({-1, -1})}).to_ints(),
            (Ints{0, std::numeric_limits<std::int32_t>::max()}));
}

TEST(Elementwise, BroadcastsBothWays) {
  const Tensor sum = run("Add", "", {f32({2, 1, 2}, {1, 2, 3, 4}), f32({3, 1}, {10, 20, 30})});
  EXPECT_EQ(sum.type().text(), "f32:2x3x2");
  EXPECT_EQ(sum.to_doubles(), (Doubles{11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34}));
  EXPECT_EQ(run("Mul", "", {f32({0, 3}, {}), f32({1}, {2})}).type().text(), "f32:0x3");
}

TEST(Elementwise, HalfTypesRoundOnce) {
  const Tensor a = list<float>({2048}).to(DType::f16);
  EXPECT_EQ(run("Add", "", {a, list<float>({1}).to(DType::f16)}).to_doubles(), (Doubles{2048}));
  EXPECT_EQ(run("Sum", "", {a, list<float>({1}).to(DType::f16), list<float>({1}).to(DType::f16)}).to_doubles(),
            (Doubles{2050}));
  EXPECT_EQ(run("Sqrt", "", {list<float>({9}).to(DType::bf16)}).to_doubles(), (Doubles{3}));
}

TEST(Elementwise, MaxAndMinPassNanOn) {
  const Tensor a = list({1.0f, kNan, 3.0f});
  const Tensor b = list({2.0f, 0.0f, kNan});
  for (const auto op : {"Max", "Min"}) {
    const auto y = run(op, "", {a, b}).to_doubles();
    EXPECT_TRUE(std::isnan(y[1]) && std::isnan(y[2])) << op;
  }
  EXPECT_EQ(
      run("Max", "", {list<std::uint64_t>({1, 9}), list<std::uint64_t>({4}), list<std::uint64_t>({2, 3})}).to_ints(),
      (Ints{4, 9}));
}

TEST(Elementwise, ReluKeepsNanAndStopsMinusInfinity) {
  const auto y = run("Relu", "", {list({-kInf, kNan, -0.5f, kInf})}).to_doubles();
  EXPECT_EQ(y[0], 0);
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(y[3], static_cast<double>(kInf));
}

TEST(Elementwise, RoundsHalvesToEven) {
  EXPECT_EQ(run("Round", "", {list({0.5f, 1.5f, 2.5f, -2.5f, 2.6f})}).to_doubles(), (Doubles{0, 2, 2, -2, 3}));
}

TEST(Elementwise, SignsAndInfinities) {
  const Tensor x = list({-2.0f, 0.0f, kInf, -kInf, kNan});
  EXPECT_EQ(run("IsInf", "", {x}).to_ints(), (Ints{0, 0, 1, 1, 0}));
  EXPECT_EQ(run("IsInf", "detect_negative=0", {x}).to_ints(), (Ints{0, 0, 1, 0, 0}));
  EXPECT_EQ(run("IsNaN", "", {x}).to_ints(), (Ints{0, 0, 0, 0, 1}));
  EXPECT_EQ(run("Sign", "", {list({-2.0f, 0.0f, kInf})}).to_doubles(), (Doubles{-1, 0, 1}));
}

TEST(Elementwise, ActivationsAtKnownPoints) {
  const Tensor x = list({-4.0f, -1.0f, 0.0f, 1.0f, 4.0f});
  const auto near = [&](std::string_view op, std::string_view attributes, const Doubles& wanted) {
    const auto y = run(op, attributes, {x}).to_doubles();
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(y[i], wanted[i], 1e-6) << op << " " << i;
  };
  near("HardSwish", "", {0, -1.0 / 3, 0, 2.0 / 3, 4});
  near("HardSigmoid", "", {0, 0.3, 0.5, 0.7, 1});
  near("LeakyRelu", "alpha=0.25", {-1, -0.25, 0, 1, 4});
  near("Elu", "alpha=2", {2 * (std::exp(-4) - 1), 2 * (std::exp(-1) - 1), 0, 1, 4});
  near("Softplus", "",
       {std::log(1 + std::exp(-4)), std::log(1 + std::exp(-1)), std::log(2), std::log(1 + std::exp(1)),
        std::log(1 + std::exp(4))});
  near("ThresholdedRelu", "", {0, 0, 0, 0, 4});
  near("Shrink", "bias=0.5 lambd=1.5", {-3.5, 0, 0, 0, 3.5});
  near("Gelu", "",
       {-4 * 0.5 * std::erfc(4 / std::sqrt(2)), -0.5 * std::erfc(1 / std::sqrt(2)), 0,
        0.5 * std::erfc(-1 / std::sqrt(2)), 2 * std::erfc(-4 / std::sqrt(2))});
  EXPECT_EQ(run("Softplus", "", {list({1000.0f})}).to_doubles(), (Doubles{1000}));
  EXPECT_EQ(run("Sigmoid", "", {list({-1000.0f, 1000.0f})}).to_doubles(), (Doubles{0, 1}));
}

TEST(Elementwise, ClipTakesEitherBoundAndLetsMaximumWin) {
  const Tensor x = list({-5.0f, 0.5f, 9.0f});
  EXPECT_EQ(run("Clip", "min=0", {x}).to_doubles(), (Doubles{0, 0.5, 9}));
  EXPECT_EQ(run("Clip", "max=6.0", {x}).to_doubles(), (Doubles{-5, 0.5, 6}));
  EXPECT_EQ(run("Clip", "max=1 min=2", {x}).to_doubles(), (Doubles{1, 1, 1}));
  EXPECT_EQ(run("Clip", "max=100 min=-1000", {list<std::int8_t>({-128, 127})}).to_ints(), (Ints{-128, 100}));
  const std::int64_t large = (1ll << 62) + 1;
  EXPECT_EQ(run("Clip", "min=0", {i64({1}, {large})}).to_ints(), (Ints{large}));
}

TEST(Elementwise, ShiftsByTheWidthGiveZero) {
  EXPECT_EQ(
      run("BitShift", "direction=LEFT", {list<std::uint8_t>({1, 255, 1}), list<std::uint8_t>({7, 1, 8})}).to_ints(),
      (Ints{128, 254, 0}));
  EXPECT_EQ(run("BitShift", "direction=RIGHT", {list<std::uint64_t>({8, 8}), list<std::uint64_t>({3, 64})}).to_ints(),
            (Ints{1, 0}));
}

TEST(Elementwise, PReluTakesASlopeAChannel) {
  EXPECT_EQ(run("PRelu", "", {f32({1, 2, 2}, {-1, 2, -3, 4}), f32({2, 1}, {0.5f, 2})}).to_doubles(),
            (Doubles{-0.5, 2, -6, 4}));
  EXPECT_NE(message_of([] { (void)run("PRelu", "", {f32({2}, {1, 2}), f32({3, 2}, {1, 2, 3, 4, 5, 6})}); }), "");
}

TEST(Elementwise, CastsTruncateRoundAndTest) {
  const Tensor x = list({-1.7f, 0.0f, 2.9f});
  EXPECT_EQ(run("Cast", "to=i32", {x}).to_ints(), (Ints{-1, 0, 2}));
  EXPECT_EQ(run("Cast", "to=bool", {x}).to_ints(), (Ints{1, 0, 1}));
  EXPECT_EQ(run("Cast", "to=u64", {list({1.5e19})}).to(DType::f64).to_doubles(), (Doubles{1.5e19}));
  EXPECT_EQ(run("CastLike", "", {x, list<std::uint8_t>({1})}).dtype(), DType::u8);
}

TEST(Elementwise, WhereChooses) {
  EXPECT_EQ(run("Where", "", {Tensor::from<bool>({2, 1}, {true, false}), f32({2}, {1, 2}), f32({}, {9})}).to_doubles(),
            (Doubles{1, 2, 9, 9}));
}

}  // namespace
}  // namespace halftone
