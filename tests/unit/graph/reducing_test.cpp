#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
const Tensor kX = f32({2, 3}, {1, -2, 3, 4, 5, -6});

TEST(Reducing, ChoosesAxes) {
  EXPECT_EQ(run("ReduceSum", "axes=0,", {kX}).to_doubles(), (Doubles{5, 3, -3}));
  EXPECT_EQ(run("ReduceSum", "axes=-1, keepdims=0", {kX}).type().text(), "f32:2");
  EXPECT_EQ(run("ReduceSum", "", {kX}).to_doubles(), (Doubles{5}));
  EXPECT_EQ(run("ReduceSum", "noop_with_empty_axes=1", {kX}).to_doubles(), kX.to_doubles());
  EXPECT_EQ(run("ReduceMax", "axes=0,2 keepdims=0", {Tensor::from<std::int8_t>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, -8})})
                .to_ints(),
            (Ints{6, 7}));
}

TEST(Reducing, KnownAnswers) {
  EXPECT_EQ(run("ReduceMean", "axes=1,", {kX}).to_doubles(), (Doubles{static_cast<float>(2.0 / 3), 1}));
  EXPECT_EQ(run("ReduceProd", "axes=1,", {kX}).to_doubles(), (Doubles{-6, -120}));
  EXPECT_EQ(run("ReduceL1", "axes=1,", {kX}).to_doubles(), (Doubles{6, 15}));
  EXPECT_EQ(run("ReduceL2", "axes=1,", {f32({1, 2}, {3, 4})}).to_doubles(), (Doubles{5}));
  EXPECT_EQ(run("ReduceSumSquare", "", {kX}).to_doubles(), (Doubles{91}));
  EXPECT_NEAR(run("ReduceLogSumExp", "", {f32({2}, {1000, 1000})}).to_doubles()[0], 1000 + std::log(2), 1e-4);
  EXPECT_NEAR(run("ReduceLogSum", "", {f32({2}, {1, 2})}).to_doubles()[0], std::log(3), 1e-6);
  EXPECT_EQ(run("ReduceMean", "", {Tensor::from<std::int32_t>({3}, {-1, -1, -3})}).to_ints(), (Ints{-1}));
}

TEST(Reducing, NothingHasItsNeutralElement) {
  const Tensor none(DType::f32, Shape{0, 2});
  EXPECT_EQ(run("ReduceSum", "axes=0,", {none}).to_doubles(), (Doubles{0, 0}));
  EXPECT_EQ(run("ReduceProd", "axes=0,", {none}).to_doubles(), (Doubles{1, 1}));
  EXPECT_EQ(run("ReduceMax", "axes=0,", {none}).to_doubles(), (Doubles{-kInf, -kInf}));
  EXPECT_EQ(run("ReduceMin", "axes=0,", {Tensor(DType::u8, Shape{0})}).to_ints(), (Ints{255}));
  EXPECT_EQ(run("ReduceLogSumExp", "axes=0,", {none}).to_doubles(), (Doubles{-kInf, -kInf}));
  EXPECT_TRUE(std::isnan(run("ReduceMean", "axes=0,", {none}).to_doubles()[0]));
}

TEST(Reducing, NanIsPassedOn) {
  const Tensor x = f32({3}, {1, kNan, 3});
  for (const auto op : {"ReduceMax", "ReduceMin", "ReduceSum", "ReduceLogSumExp"})
    EXPECT_TRUE(std::isnan(run(op, "", {x}).to_doubles()[0])) << op;
}

TEST(Reducing, BoolsHaveExtremes) {
  const Tensor x = Tensor::from<bool>({2, 2}, {true, false, false, false});
  EXPECT_EQ(run("ReduceMax", "axes=1,", {x}).to_ints(), (Ints{1, 0}));
  EXPECT_EQ(run("ReduceMin", "axes=1,", {x}).to_ints(), (Ints{0, 0}));
}

TEST(Reducing, SoftmaxDoesNotOverflow) {
  const auto y = run("Softmax", "axis=0", {f32({2, 2}, {1000, 0, 1000, std::log(3.0f)})}).to_doubles();
  EXPECT_NEAR(y[0], 0.5, 1e-6);
  EXPECT_NEAR(y[1], 0.25, 1e-6);
  EXPECT_NEAR(y[3], 0.75, 1e-6);
  EXPECT_NEAR(run("LogSoftmax", "", {f32({2}, {-1000, 0})}).to_doubles()[0], -1000, 1e-3);
  EXPECT_EQ(run("Hardmax", "", {f32({2, 3}, {1, 3, 3, 0, -1, -2})}).to_doubles(), (Doubles{0, 1, 0, 1, 0, 0}));
}

TEST(Reducing, TopKKeepsTheOrderOfEquals) {
  const auto top = run_all("TopK", "K=3", {f32({5}, {1, 4, 4, 0, 2})}, 2);
  EXPECT_EQ(top[0].to_doubles(), (Doubles{4, 4, 2}));
  EXPECT_EQ(top[1].to_ints(), (Ints{1, 2, 4}));
  const auto low = run_all("TopK", "K=1 axis=0 largest=0", {f32({2, 2}, {3, 1, 2, 5})}, 2);
  EXPECT_EQ(low[0].to_doubles(), (Doubles{2, 1}));
  EXPECT_EQ(low[1].to_ints(), (Ints{1, 0}));
}

TEST(Reducing, ArgsTakeTheFirstOrTheLast) {
  const Tensor x = f32({4}, {2, 7, 7, -1});
  EXPECT_EQ(run("ArgMax", "", {x}).to_ints(), (Ints{1}));
  EXPECT_EQ(run("ArgMax", "select_last_index=1", {x}).to_ints(), (Ints{2}));
  EXPECT_EQ(run("ArgMin", "keepdims=0", {x}).type().text(), "i64:");
  EXPECT_EQ(run("ArgMin", "", {x}).to_ints(), (Ints{3}));
}

TEST(Reducing, CumSumRunsBothWays) {
  const Tensor x = f32({3}, {1, 2, 3});
  EXPECT_EQ(run("CumSum", "axis=0", {x}).to_doubles(), (Doubles{1, 3, 6}));
  EXPECT_EQ(run("CumSum", "axis=0 exclusive=1", {x}).to_doubles(), (Doubles{0, 1, 3}));
  EXPECT_EQ(run("CumSum", "axis=-1 reverse=1", {x}).to_doubles(), (Doubles{6, 5, 3}));
  EXPECT_EQ(run("CumSum", "axis=0 exclusive=1 reverse=1", {x}).to_doubles(), (Doubles{5, 3, 0}));
}

TEST(Reducing, EinsumSumsOverLabels) {
  const Tensor a = f32({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(run("Einsum", "equation=ij,jk->ik", {a, f32({2, 1}, {10, 1})}).to_doubles(), (Doubles{12, 34}));
  EXPECT_EQ(run("Einsum", "equation=ij->ji", {a}).to_doubles(), (Doubles{1, 3, 2, 4}));
  EXPECT_EQ(run("Einsum", "equation=ii", {a}).to_doubles(), (Doubles{5}));
  EXPECT_EQ(run("Einsum", "equation=...i,i->...", {a, f32({2}, {1, -1})}).to_doubles(), (Doubles{-1, -1}));
  EXPECT_EQ(run("Einsum", "equation=i...,...", {f32({1, 2}, {1, 2}), f32({3, 1}, {1, 2, 3})}).type().text(),
            "f32:3x2x1");
  for (const auto equation : {"ij,jk->ik", "i->i", "ij->iz", "ij->ii", "i.j->i", "ij->i->j", ""})
    EXPECT_NE(message_of([&] { (void)run("Einsum", fmt::format("equation={}", equation), {a}); }), "") << equation;
}

}  // namespace
}  // namespace halftone
