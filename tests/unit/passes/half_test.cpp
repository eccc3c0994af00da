#include "tests/unit/passes/passes_test.h"

namespace halftone {
namespace {

constexpr std::string_view kNet = R"(
input x f32:2x3x9x9
const w1 f32:8x3x3x3 random(1)
const b1 f32:8 random(2)
const w2 f32:8x8x3x3 random(3)
const fc f32:8x10 random(4)
c1 = Conv(x, w1, b1) pads=1*4
r1 = Relu(c1)
p = MaxPool(r1) kernel_shape=2,2 strides=2,2
c2 = Conv(p, w2) pads=1*4
a = Add(c2, p)
s = Sigmoid(c2)
j = Concat(a, s) axis=1
h, k = Split(j) axis=1
m = Mul(h, k)
g = GlobalAveragePool(m)
f = Flatten(g)
y = MatMul(f, fc)
z = Softmax(y)
output z
)";

TEST(Half, CastsAreLeftAtTheBordersOnly) {
  for (const auto precision : {Precision::bf16, Precision::fp16}) {
    PassContext context;
    context.precision = precision;
    const Graph graph = test::lowered(kNet, precision == Precision::bf16 ? 0.05 : 0.01, context);
    EXPECT_EQ(test::count(graph, "Cast"), 0) << "the input is rounded where it enters: " << print(graph);
    EXPECT_EQ(test::count(graph, "ImageInput"), 1) << print(graph);
    const auto half = precision == Precision::bf16 ? DType::bf16 : DType::f16;
    for (const auto& node : graph.nodes) {
      if (node.op == "MaxPool" || node.op == "FusedConv") {
        EXPECT_EQ(graph.value(node.inputs[0]).type.dtype, half);
      }
      if (node.op == "Softmax") {
        EXPECT_EQ(graph.value(node.inputs[0]).type.dtype, DType::f32);
      }
    }
  }
}

TEST(Half, WhatTheDeviceCannotRunStaysInFloat) {
  PassContext context;
  context.precision = Precision::bf16;
  context.can_run = [](const Problem& problem) {
    return problem.op != "MaxPool" || problem.input(0).dtype == DType::f32;
  };
  const Graph graph = test::lowered(kNet, 0.05, context);
  for (const auto& node : graph.nodes)
    if (node.op == "MaxPool") {
      EXPECT_EQ(graph.value(node.inputs[0]).type.dtype, DType::f32);
    }
}

TEST(Half, EightBitConvolutionsAreLeftAlone) {
  PassContext context;
  context.precision = Precision::bf16;
  const Graph graph = test::lowered(R"(
input x u8:1x3x4x4
const s f32: [0.02]
const z u8: [100]
const wq i8:4x3x1x1 random(1)
w = DequantizeLinear(wq, s)
d = DequantizeLinear(x, s, z)
y = Conv(d, w)
output y
)",
                                    1e-5, context);
  EXPECT_EQ(test::ops(graph), "Transpose FusedConv Transpose");
}

constexpr double kStep = 0.125;  // of an 8-bit float: what was rounded to bf16 may round to the next one
constexpr std::string_view kBorder = R"(
input x f32:1x8x5x5
const w f32:16x8x1x1 random(1)
const s f32: [0.02]
const z f8e4m3: [0]
const wq f8e4m3:4x16x1x1 random(2)
v = DequantizeLinear(wq, s)
c = Conv(x, w)
r = Relu(c)
q = QuantizeLinear(r, s, z)
d = DequantizeLinear(q, s, z)
y = Conv(d, v)
output y
)";

TEST(Half, ProductsRoundToEightBitFloatsThemselves) {
  PassContext context;
  context.precision = Precision::bf16;
  const Graph graph = test::lowered(kBorder, kStep, context);
  EXPECT_EQ(test::ops(graph), "ImageInput FusedConv FusedConv Transpose");
  for (const auto& node : graph.nodes) {
    if (node.op == "FusedConv" && graph.value(node.inputs[0]).type.dtype == DType::bf16) {
      EXPECT_EQ(graph.value(node.outputs[0]).type.dtype, DType::f8e4m3);
    }
  }
}

TEST(Half, RoundingToEightBitFloatsStaysWhereTheDeviceCannotJoinIt) {
  PassContext context;
  context.precision = Precision::bf16;
  context.can_run = [](const Problem& problem) {
    return problem.op != "FusedConv" || problem.input(0).dtype != DType::bf16 ||
           problem.output().dtype != DType::f8e4m3;
  };
  const Graph graph = test::lowered(kBorder, kStep, context);
  EXPECT_EQ(test::ops(graph), "ImageInput FusedConv QuantizeLinear FusedConv Transpose");
}

}  // namespace
}  // namespace halftone
