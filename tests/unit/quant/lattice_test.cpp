#include "quant/lattice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "graph/text.h"
#include "quant/product.h"
#include "quant/quantize.h"

namespace halftone {
namespace {

// 255 steps in float32 are off by 255 * 2^-24 = 0.000015 after one operation.
constexpr double kClear = 1e-4;

double to_middle(double steps) { return std::abs(steps - std::floor(steps) - 0.5); }

TEST(Lattice, ScalesGrowByLittle) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> exponent(-20, 0);
  for (int i = 0; i < 2000; ++i) {
    const float scale = std::exp2(exponent(random)), ratio = std::exp2(exponent(random) / 4);
    for (const std::optional<int> fineness : {std::optional<int>(), std::optional<int>(0), std::optional<int>(4)}) {
      const Lattice lattice{ratio, fineness};
      const float suited = lattice.weight_scale(scale);
      EXPECT_GE(suited, scale * (1 - 1e-6f));
      EXPECT_LE(suited, std::max(scale * (fineness ? 1.04f : 1.005f), ratio / 4000)) << ratio << " " << scale;
      EXPECT_FLOAT_EQ(lattice.weight_scale(suited), suited) << "what suits stays";
    }
  }
}

TEST(Lattice, NothingComesNearTheMiddle) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> exponent(-14, 0), uniform(-1, 1);
  for (int i = 0; i < 20000; ++i) {
    const bool sum = i % 2 == 1;
    const int m = 8 + static_cast<int>(random() % 8), j = static_cast<int>(random() % 6);
    Lattice lattice{1.0f, std::nullopt};
    if (sum) lattice.fineness = j;
    const float w_scale = lattice.weight_scale(static_cast<float>(std::exp2(exponent(random))));
    const double bias = lattice.bias(uniform(random) * 1000, w_scale);
    const double other = sum ? std::ldexp(m, -j) * static_cast<double>(random() % std::min(256, (400 << j) / m)) : 0;
    const double target = static_cast<double>(random() % 255) + 0.5;  // n that brings the sum next to a middle
    const double n = std::floor((target - other) / static_cast<double>(w_scale) - bias);
    for (const double units : {n, n + 1}) {
      const double steps = (units + bias) * static_cast<double>(w_scale) + other;
      ASSERT_GT(to_middle(steps), kClear) << "scale " << w_scale << " bias " << bias << " m " << m << " j " << j;
    }
  }
}

TEST(Lattice, BiasesMoveByLessThanAStep) {
  EXPECT_EQ((Lattice{1.0f, std::nullopt}.bias(17.4, 0.001f)), 17);
  const Lattice lattice{1.0f, 3};
  const float w_scale = lattice.weight_scale(0.001f);
  for (const double units : {-3.2, 0.0, 12.7}) EXPECT_NEAR(lattice.bias(units, w_scale), units, 0.5);
}

constexpr const char* kResidual = R"(graph residual
input x f32:1x8x24x24
const w1 f32:16x8x3x3 random(1)
const b1 f32:16 random(2)
const w2 f32:16x16x3x3 random(3)
const b2 f32:16 random(4)
const w3 f32:16x16x3x3 random(5)
const b3 f32:16 random(6)
const w4 f32:4x16x1x1 random(7)
a = Conv(x, w1, b1) pads=1*4
r = Relu(a)
c = Conv(r, w2, b2) pads=1*4
s = Add(c, r)
t = Relu(s)
d = Conv(t, w3, b3) pads=1*4
u = Add(d, t)
v = Relu(u)
y = Conv(v, w4)
output y
)";

/// The float graph's ranges on this input.
std::map<ValueId, Range> ranges_of(const Graph& graph, const Tensor& input) {
  std::map<ValueId, Range> all, chosen;
  evaluate(graph, std::span<const Tensor>(&input, 1), [&](ValueId id, const Tensor& tensor) {
    const auto data = tensor.data<float>();
    all[id] = {std::min(0.0f, *std::min_element(data.begin(), data.end())),
               std::max(0.0f, *std::max_element(data.begin(), data.end()))};
  });
  all[graph.inputs[0]] = {-1, 1};
  for (const auto& group : values_to_quantize(graph))
    for (const auto id : group) chosen[id] = all.at(id);
  return chosen;
}

Tensor noise(std::uint32_t seed) {
  Tensor input(DType::f32, Shape{1, 8, 24, 24});
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (auto& value : input.data<float>()) value = uniform(random);
  return input;
}

TEST(AlignSums, OperandsGetFractionsOfTheSumsScale) {
  const Graph graph = parse_graph(kResidual);
  const auto before = ranges_of(graph, noise(1));
  for (const bool symmetric : {false, true}) {
    auto ranges = before;
    align_sums(graph, values_to_quantize(graph), symmetric, ranges);
    const auto scale = [&](const char* name) {
      for (const auto& [id, range] : ranges)
        if (graph.value(id).name == name) return static_cast<double>(activation_scale(range, symmetric).scale);
      return 0.0;
    };
    for (const auto& [other, sum] : {std::pair{"r", "t"}, {"t", "v"}}) {
      double steps = scale(other) / scale(sum);
      while (steps < 8) steps *= 2;
      while (steps >= 16) steps /= 2;
      EXPECT_NEAR(steps, std::nearbyint(steps), 1e-4) << other;
    }
    for (const auto& [id, range] : before) {
      const float was = activation_scale(range, symmetric).scale, is = activation_scale(ranges.at(id), symmetric).scale;
      EXPECT_GE(is, was * (1 - 1e-6f));
      EXPECT_LE(is, was * 1.126f);
      EXPECT_EQ(activation_scale(ranges.at(id), symmetric).zero, activation_scale(range, symmetric).zero);
    }
    EXPECT_EQ(lattices_of(graph, ranges, symmetric).size(), 3u) << "all but the last, whose output stays a float";
  }
}

TEST(InsertQdq, NoSumOfAPlanComesNearTheMiddleOfTwoSteps) {
  const Graph graph = parse_graph(kResidual);
  const Tensor input = noise(2);
  for (const bool symmetric : {false, true}) {
    auto ranges = ranges_of(graph, input);
    align_sums(graph, values_to_quantize(graph), symmetric, ranges);
    Graph plan = graph;
    ASSERT_EQ(insert_qdq(plan, ranges, symmetric), 4u);
    infer_types(plan);
    std::map<ValueId, Tensor> seen;
    evaluate(plan, std::span<const Tensor>(&input, 1), [&](ValueId id, const Tensor& tensor) { seen[id] = tensor; });
    std::size_t values = 0;
    for (const auto& node : plan.nodes) {
      if (node.op != "QuantizeLinear" || node.inputs[0] == plan.inputs[0]) continue;
      const double step = static_cast<double>(plan.value(node.inputs[1]).constant.data<float>()[0]);
      for (const double value : seen.at(node.inputs[0]).to_doubles()) {
        if (value / step > (symmetric ? 127 : 255)) continue;
        ++values;
        ASSERT_GT(to_middle(value / step), kClear / 2) << plan.value(node.inputs[0]).name << " " << value / step;
      }
    }
    EXPECT_GT(values, 20000u);  // by chance, two of them would be as near
  }
}

}  // namespace
}  // namespace halftone
