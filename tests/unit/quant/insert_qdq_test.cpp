#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/text.h"
#include "quant/quantize.h"

namespace halftone {
namespace {

constexpr const char* kBlock = R"(graph block
input x f32:1x4x8x8
const w1 f32:4x4x3x3 random(1)
const b1 f32:4 random(2)
const w2 f32:4x4x3x3 random(3)
const w3 f32:6x4 random(4)
p = MaxPool(x) kernel_shape=2*2 strides=2*2
a = Conv(p, w1, b1) pads=1*4
r = Relu(a)
c = Conv(r, w2) pads=1*4
s = Add(c, p)
t = Relu(s)
g = GlobalAveragePool(t)
f = Flatten(g) axis=1
y = Gemm(f, w3) transB=1
output y
)";

std::vector<std::string> names(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> result;
  for (const auto id : ids) result.push_back(graph.value(id).name);
  std::sort(result.begin(), result.end());
  return result;
}

TEST(InsertQdq, GroupsWhatPoolingTiesTogetherAndLeavesTheAbsorbedBranchAlone) {
  const Graph graph = parse_graph(kBlock);
  std::vector<std::vector<std::string>> groups;
  for (const auto& group : values_to_quantize(graph)) groups.push_back(names(graph, group));
  std::sort(groups.begin(), groups.end());
  const std::vector<std::vector<std::string>> expected{{"f", "g"}, {"p", "x"}, {"r"}};
  EXPECT_EQ(groups, expected);
}

TEST(InsertQdq, StaysCloseToTheFloatGraph) {
  const Graph graph = parse_graph(kBlock);
  std::vector<Tensor> inputs, expected;
  std::mt19937 random(11);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::map<ValueId, Range> ranges;
  for (int i = 0; i < 8; ++i) {
    inputs.emplace_back(DType::f32, Shape{1, 4, 8, 8});
    for (auto& value : inputs.back().data<float>()) value = uniform(random);
    const auto outputs = evaluate(graph, std::span<const Tensor>(&inputs.back(), 1), [&](ValueId id, const Tensor& x) {
      if (x.dtype() != DType::f32) return;
      const auto data = x.data<float>();
      ranges[id] = {std::min(ranges[id].low, *std::min_element(data.begin(), data.end())),
                    std::max(ranges[id].high, *std::max_element(data.begin(), data.end()))};
    });
    expected.push_back(outputs[0]);
  }
  ranges[graph.inputs[0]] = {-1, 1};
  for (const auto& [symmetric, fp8] : {std::pair{false, false}, {true, false}, {true, true}}) {
    std::map<ValueId, Range> chosen;
    for (const auto& group : values_to_quantize(graph)) {
      Range together;
      for (const auto id : group) {
        together.low = std::min(together.low, ranges.at(id).low);
        together.high = std::max(together.high, ranges.at(id).high);
      }
      for (const auto id : group) chosen[id] = together;
    }
    Graph quantized = graph;
    EXPECT_EQ(insert_qdq(quantized, chosen, symmetric, {}, fp8), 3u);
    infer_types(quantized);
    quantized.verify();
    double noise = 0, signal = 0;
    for (std::size_t picture = 0; picture < inputs.size(); ++picture) {
      const auto got = evaluate(quantized, std::span<const Tensor>(&inputs[picture], 1));
      for (std::size_t i = 0; i < 6; ++i) {
        const double truth = expected[picture].data<float>()[i];
        noise += std::pow(static_cast<double>(got[0].data<float>()[i]) - truth, 2);
        signal += truth * truth;
      }
    }
    // An 8-bit float is off by 2^-4 of itself at most, 2 % on average, in both factors.
    EXPECT_LT(noise, (fp8 ? 4e-3 : 1e-3) * signal) << "symmetric " << symmetric << " fp8 " << fp8;
    EXPECT_GT(noise, 0) << "nothing was quantised";
  }
}

TEST(InsertQdq, WeightsAreSignedWithAScaleAChannel) {
  Graph graph = parse_graph(kBlock);
  std::map<ValueId, Range> ranges;
  for (const auto& group : values_to_quantize(graph))
    for (const auto id : group) ranges[id] = {-1, 1};
  insert_qdq(graph, ranges, false);
  int per_channel = 0;
  for (const auto& node : graph.nodes) {
    if (node.op != "DequantizeLinear" || !graph.value(node.inputs[0]).is_constant()) continue;
    const auto& weights = graph.value(node.inputs[0]).constant;
    if (weights.dtype() != DType::i8) continue;
    ++per_channel;
    const auto values = weights.data<std::int8_t>();
    EXPECT_EQ(*std::min_element(values.begin(), values.end()) < -127, false);
    EXPECT_EQ(graph.value(node.inputs[1]).constant.count(),
              weights.shape()[static_cast<std::size_t>(node.attributes.get_int("axis", 1))]);
  }
  EXPECT_EQ(per_channel, 3);
}

}  // namespace
}  // namespace halftone
