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

/// The types that FusedConv nodes read and leave: "bf16>i8 i8>f32".
std::string conv_types(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes)
    if (node.op == "FusedConv")
      text += fmt::format("{}{}>{}", text.empty() ? "" : " ", name(graph.value(node.inputs[0]).type.dtype),
                          name(graph.value(node.outputs[0]).type.dtype));
  return text;
}

PassContext in_bf16() {
  PassContext context;
  context.precision = Precision::bf16;
  return context;
}

/// A text with one word in place of another.
std::string with(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

TEST(Half, ProductsRoundToEightBitsThemselves) {
  for (const std::string type : {"f8e4m3", "i8", "u8"}) {
    const auto weights = type == "u8" ? "i8" : type;  // as they are quantised
    const auto text = with(with(std::string(kBorder), "wq f8e4m3", "wq " + weights), "z f8e4m3", "z " + type);
    const Graph graph = test::lowered(text, kStep, in_bf16());
    EXPECT_EQ(test::ops(graph), "ImageInput FusedConv FusedConv Transpose");
    EXPECT_EQ(conv_types(graph), fmt::format("bf16>{0} {0}>f32", type));
  }
}

TEST(Half, RoundingStaysWhereTheDeviceCannotJoinIt) {
  for (const std::string type : {"f8e4m3", "i8"}) {
    auto context = in_bf16();
    context.runs_well = [](const Problem& problem) {
      return problem.op != "FusedConv" || problem.input(0).dtype != DType::bf16 ||
             !is_quantised(problem.output().dtype);
    };
    const auto text = with(std::string(kBorder), "f8e4m3", type);
    EXPECT_EQ(conv_types(test::lowered(text, kStep, context)), "bf16>f32 " + type + ">f32");
    // Where it cannot leave f32 either, what rounds reads 16 bits.
    context.runs_well = [](const Problem& problem) {
      return problem.op != "FusedConv" || problem.input(0).dtype != DType::bf16 ||
             problem.output().dtype == DType::bf16;
    };
    const Graph graph = test::lowered(text, kStep, context);
    EXPECT_EQ(conv_types(graph), "bf16>bf16 " + type + ">f32");
    EXPECT_EQ(test::ops(graph), "ImageInput FusedConv QuantizeLinear FusedConv Transpose");
  }
}

// An 8-bit product between two of 16 bits; what it makes is read by one of either kind.
constexpr std::string_view kMixed = R"(
input x f32:1x16x5x5
const s f32: [0.02]
const z i8: [0]
const wq i8:16x16x1x1 random(2)
const w3 f32:16x16x1x1 random(3)
const w4 f32:16x16x3x3 random(4)
v = DequantizeLinear(wq, s)
q = QuantizeLinear(x, s, z)
d = DequantizeLinear(q, s, z)
a = Conv(d, v)
b = Relu(a)
c = Conv(b, w3)
e = Conv(c, w4) pads=1*4
f = Add(e, b)
g = GlobalAveragePool(f)
output g
)";

TEST(Half, EightBitProductsLeaveTheSixteenBitsThatTheirReadersWant) {
  const Graph graph = test::lowered(kMixed, 0.05, in_bf16());
  EXPECT_EQ(conv_types(graph), "i8>bf16 bf16>bf16 bf16>f32");
  EXPECT_EQ(test::count(graph, "Cast"), 0) << print(graph);
  // Not where they go to the outside or to a product in f32.
  const auto text = with(std::string(kMixed), "output g", "output b\noutput g");
  EXPECT_EQ(conv_types(test::lowered(text, 0.05, in_bf16())), "i8>f32 bf16>bf16 bf16>f32");
  Graph named = parse_graph(kMixed);
  named.metadata["halftone.bf16"] = "e\n";
  EXPECT_EQ(conv_types(test::lowered(named, 0.05)), "i8>f32 f32>f32 bf16>f32");
}

TEST(Half, RoundingToEightBitsReadsSixteenBesideOtherReaders) {
  const auto text = with(std::string(kMixed), "c = Conv(b, w3)",
                         "k = QuantizeLinear(b, s, z)\nl = DequantizeLinear(k, s, z)\nc = Conv(l, v)");
  const Graph graph = test::lowered(text, 0.05, in_bf16());
  EXPECT_EQ(conv_types(graph), "i8>bf16 i8>bf16 bf16>f32") << print(graph);
  for (const auto& node : graph.nodes)
    if (node.op == "QuantizeLinear" && node.inputs[0] != graph.inputs[0]) {
      EXPECT_EQ(graph.value(node.inputs[0]).type.dtype, DType::bf16);
    }
}

TEST(Half, EightBitsBecomeSixteenAtOnce) {
  const auto text =
      with(std::string(kMixed), "a = Conv(d, v)\nb = Relu(a)", "b = MaxPool(d) kernel_shape=3,3 pads=1*4");
  const Graph graph = test::lowered(text, 0.05, in_bf16());
  EXPECT_EQ(conv_types(graph), "bf16>bf16 bf16>f32");
  EXPECT_EQ(test::count(graph, "Cast"), 0) << print(graph);
  for (const auto& node : graph.nodes)
    if (node.op == "DequantizeLinear") {
      EXPECT_EQ(graph.value(node.outputs[0]).type.dtype, DType::bf16) << print(graph);
    }
}

TEST(Half, PlansNameTheirSixteenBitProductsByType) {
  for (const std::string type : {"bf16", "fp16"}) {
    Graph graph = parse_graph(kMixed);
    for (const auto& node : graph.nodes)
      if (node.op == "Conv") graph.metadata["halftone." + type] += node.name + "\n";
    const auto half = type == "bf16" ? "bf16" : "f16";
    EXPECT_EQ(conv_types(test::lowered(graph, 0.05)), fmt::format("i8>{0} {0}>{0} {0}>f32", half));
  }
}

}  // namespace
}  // namespace halftone
