#include "quant/model_diff.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cpu/cpu_backend.h"
#include "graph/text.h"
#include "quant/quantize.h"
#include "tests/unit/quant/pictures.h"

namespace halftone {
namespace {

using tests::gray;
using tests::random_pictures;

constexpr const char* kNetwork = R"(graph net
input x f32:Nx1x8x8
const w1 f32:4x1x3x3 random(1)
const w2 f32:4x4x3x3 random(2)
const w3 f32:4x4x3x3 random(3)
const w4 f32:5x4 random(4)
a = Conv(x, w1)
r = Relu(a)
c = Conv(r, w2) pads=1*4
s = Add(c, r)
t = Relu(s)
d = Conv(t, w3)
g = GlobalAveragePool(d)
f = Flatten(g) axis=1
y = Gemm(f, w4) transB=1
output y
)";

DiffOptions options() {
  DiffOptions result;
  result.threads = 2;
  return result;
}

TEST(DiffModels, FindsAModelEqualToItself) {
  const Graph graph = parse_graph(kNetwork);
  const auto diff = diff_models(graph, graph, make_cpu_backend(), random_pictures(10, 8, 1), gray(8), options());
  std::string names;
  for (const auto& tensor : diff.tensors) names += tensor.name + " ";
  EXPECT_EQ(names, "x r t d g f y ");
  for (const auto& tensor : diff.tensors) EXPECT_TRUE(std::isinf(tensor.snr)) << tensor.name;
  EXPECT_EQ(diff.images, 10u);
  EXPECT_EQ(diff.agree, 10);
  EXPECT_FALSE(diff.first_wrong);
  EXPECT_FALSE(diff.largest_fall);
}

TEST(DiffModels, NamesTheLayerThatGoesWrongFirst) {
  const Graph graph = parse_graph(kNetwork);
  Graph broken = graph;
  for (auto& value : broken.values)
    if (value.name == "w2") {
      value.constant = value.constant.clone();
      for (auto& weight : value.constant.data<float>()) weight = -weight;
    }
  const auto diff = diff_models(graph, broken, make_cpu_backend(), random_pictures(10, 8, 1), gray(8), options());
  ASSERT_TRUE(diff.first_wrong && diff.largest_fall);
  EXPECT_EQ(diff.tensors[*diff.first_wrong].name, "t");
  EXPECT_EQ(diff.tensors[*diff.largest_fall].name, "t");
}

TEST(DiffModels, SeesAPlanAsItsReadersDo) {
  const Graph graph = parse_graph(kNetwork);
  const auto pictures = random_pictures(24, 8, 2);
  const auto plan = quantize(calibrate(graph, make_cpu_backend(), pictures, gray(8))).graph;
  const auto diff = diff_models(graph, plan, make_cpu_backend(), pictures, gray(8), options());
  EXPECT_EQ(diff.unmatched, 0u);
  EXPECT_FALSE(diff.first_wrong);
  for (const auto& tensor : diff.tensors) {
    EXPECT_LT(tensor.snr, 70) << tensor.name << " was not rounded";
    EXPECT_GT(tensor.snr, 20) << tensor.name;
  }
}

TEST(DiffModels, RefusesModelsWithNothingInCommon) {
  const Graph graph = parse_graph(kNetwork);
  const Graph other = parse_graph("graph other\ninput x f32:Nx1x8x8\nq = Relu(x)\noutput q\n");
  try {
    diff_models(graph, other, make_cpu_backend(), random_pictures(4, 8, 1), gray(8), options());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid_argument);
  }
}

TEST(KeepFloat, LeavesTheNamedProductsAlone) {
  const Graph graph = parse_graph(kNetwork);
  const auto model = calibrate(graph, make_cpu_backend(), random_pictures(24, 8, 2), gray(8));
  const auto count = [](const Graph& plan) {
    return std::count_if(plan.nodes.begin(), plan.nodes.end(),
                         [](const Node& node) { return node.op == "QuantizeLinear"; });
  };
  EXPECT_EQ(quantize(model).products, 4u);
  const auto mixed = quantize(model, {"c", "y"});
  EXPECT_EQ(mixed.products, 2u);
  // a reads x and d reads t in 8 bits; r and f stay as they are.
  EXPECT_EQ(count(mixed.graph), 2);
  for (const auto& node : mixed.graph.nodes) {
    if (node.name != "c") continue;
    EXPECT_EQ(mixed.graph.value(node.inputs[0]).name, "r");
    EXPECT_EQ(mixed.graph.value(node.inputs[1]).name, "w2");
  }
  const auto none = quantize(model, {"a", "c", "d", "y"});
  EXPECT_EQ(none.products, 0u);
  EXPECT_EQ(count(none.graph), 0);
}

}  // namespace
}  // namespace halftone
