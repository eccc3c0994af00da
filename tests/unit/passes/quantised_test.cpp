#include "tests/unit/passes/passes_test.h"

namespace halftone {
namespace {

using test::ops;

Graph lowered(const std::string& text, double steps, double relative = 1e-5) {
  return test::lowered(text, relative, {}, {}, steps);
}

/// Declarations of a scale and zero point, as `s0`, `z0`.
std::string scale(int index, double value, int zero, std::string_view dtype = "u8") {
  return fmt::format("const s{0} f32: [{1}]\nconst z{0} {3}: [{2}]\n", index, value, zero, dtype);
}
std::string q(std::string_view out, std::string_view in, int index) {
  return fmt::format("{} = QuantizeLinear({}, s{}, z{})\n", out, in, index, index);
}
std::string dq(std::string_view out, std::string_view in, int index) {
  return fmt::format("{} = DequantizeLinear({}, s{}, z{})\n", out, in, index, index);
}
/// Per-channel i8 weights `name` with their scales and DequantizeLinear.
std::string weights(std::string_view name, std::string_view shape, int channels, int seed, int axis = 0) {
  return fmt::format(
      "const {0}q i8:{1} random({3},-127,128)\nconst {0}s f32:{2} random({3},0.001,0.002)\nconst {0}z i8:{2} zeros\n"
      "{0} = DequantizeLinear({0}q, {0}s, {0}z) axis={4}\n",
      name, shape, channels, seed, axis);
}
/// An i32 bias quantised with the product of `scale` and the weights' scales.
std::string bias(std::string_view name, std::string_view of, int channels, int seed, int index) {
  return fmt::format(
      "const {0}q i32:{2} random({3},-2000,2000)\n{0}s = Mul({1}s, s{4})\n{0} = DequantizeLinear({0}q, {0}s) axis=0\n",
      name, of, channels, seed, index);
}

TEST(Quantised, ConvolutionBecomesEightBit) {
  const Graph graph = lowered("input x u8:1x3x6x6\n" + scale(0, 0.02, 120) + scale(1, 0.1, 0) +
                                  weights("w", "4x3x3x3", 4, 1) + bias("b", "w", 4, 2, 0) + dq("xf", "x", 0) +
                                  "c = Conv(xf, w, b) pads=1*4\nr = Relu(c)\n" + q("y", "r", 1) + "output y\n",
                              1);
  EXPECT_EQ(ops(graph), "Transpose FusedConv Transpose");
  const auto& conv = graph.nodes[1];
  EXPECT_EQ(graph.value(conv.inputs[0]).type.dtype, DType::u8);
  EXPECT_EQ(graph.value(conv.inputs[1]).type.dtype, DType::i8);
  EXPECT_EQ(graph.value(conv.outputs[0]).type.dtype, DType::u8);
  EXPECT_FALSE(conv.attributes.has("act")) << "saturation at a zero point of 0 is relu already";
}

TEST(Quantised, UnsignedWeightsAroundTheMiddleAreShifted) {
  const Graph graph = lowered("input x u8:1x2x4x4\n" + scale(0, 0.02, 3) + scale(1, 0.01, 128) + scale(2, 0.05, 100) +
                                  "const wq u8:4x2x3x3 random(1)\n" + dq("w", "wq", 1) + dq("xf", "x", 0) +
                                  "c = Conv(xf, w)\nr = Clip(c) min=-0.5 max=2.0\n" + q("y", "r", 2) + "output y\n",
                              1);
  EXPECT_EQ(ops(graph), "Transpose FusedConv Transpose");
  EXPECT_EQ(graph.value(graph.nodes[1].inputs[1]).type.dtype, DType::i8);
  EXPECT_EQ(graph.nodes[1].attributes.get_string("act", ""), "clip");
}

TEST(Quantised, AsymmetricWeightsStayInFloat) {
  const Graph graph = lowered("input x u8:1x2x4x4\n" + scale(0, 0.02, 3) + scale(1, 0.01, 90) + scale(2, 0.05, 100) +
                                  "const wq u8:4x2x3x3 random(1)\n" + dq("w", "wq", 1) + dq("xf", "x", 0) +
                                  "c = Conv(xf, w)\n" + q("y", "c", 2) + "output y\n",
                              1);
  EXPECT_EQ(ops(graph), "Transpose DequantizeLinear FusedConv QuantizeLinear Transpose");
  EXPECT_EQ(graph.value(graph.nodes[2].inputs[1]).type.dtype, DType::f32);
}

TEST(Quantised, WeightsAloneQuantisedAreDequantisedOnce) {
  const Graph graph =
      lowered("input x f32:1x2x4x4\n" + weights("w", "4x2x3x3", 4, 1) + "y = Conv(x, w)\noutput y\n", 0);
  EXPECT_EQ(ops(graph), "Transpose FusedConv Transpose");
}

/// The form ONNX Runtime's quantiser writes: every activation, the operands and the result of the Add among them, goes
/// through a pair; pooling, flattening and the product too.
std::string residual_net(std::string_view dtype, int middle, int low) {
  return "input x f32:1x3x12x12\n" + scale(0, 0.01, middle, dtype) + scale(1, 0.008, low, dtype) +
         scale(2, 0.01, middle, dtype) + scale(3, 0.008, middle, dtype) + scale(4, 0.012, low, dtype) +
         scale(5, 0.008, low, dtype) + scale(6, 0.001, middle, dtype) + q("xq", "x", 0) + dq("xd", "xq", 0) +
         weights("w1", "8x3x3x3", 8, 1) + bias("b1", "w1", 8, 2, 0) +
         "c1 = Conv(xd, w1, b1) pads=1*4 strides=2,2\nr1 = Relu(c1)\n" + q("r1q", "r1", 1) + dq("r1d", "r1q", 1) +
         "p = MaxPool(r1d) kernel_shape=3,3 strides=1,1 pads=1*4\n" + q("pq", "p", 1) + dq("pd", "pq", 1) +
         weights("w2", "8x8x3x3", 8, 3) + bias("b2", "w2", 8, 4, 1) + "c2 = Conv(pd, w2, b2) pads=1*4\n" +
         q("c2q", "c2", 2) + dq("c2d", "c2q", 2) + weights("w3", "8x8x1x1", 8, 5) + bias("b3", "w3", 8, 6, 1) +
         "c3 = Conv(pd, w3, b3)\n" + q("c3q", "c3", 3) + dq("c3d", "c3q", 3) + "a = Add(c2d, c3d)\nr2 = Relu(a)\n" +
         q("aq", "r2", 4) + dq("ad", "aq", 4) + weights("w4", "8x1x3x3", 8, 7) + bias("b4", "w4", 8, 8, 4) +
         "c4 = Conv(ad, w4, b4) pads=1*4 group=8\n" + q("c4q", "c4", 2) + dq("c4d", "c4q", 2) +
         "a2 = Add(ad, c4d)\nr3 = Relu(a2)\n" + q("a2q", "r3", 4) + dq("a2d", "a2q", 4) +
         "g = GlobalAveragePool(a2d)\n" + q("gq", "g", 5) + dq("gd", "gq", 5) + "f = Flatten(gd)\n" + q("fq", "f", 5) +
         dq("fd", "fq", 5) + weights("w5", "10x8", 10, 9) + bias("b5", "w5", 10, 10, 5) +
         "y = Gemm(fd, w5, b5) transB=1\n" + q("yq", "y", 6) + dq("yd", "yq", 6) + "output yd\n";
}

TEST(Quantised, TheSumIsTakenBeforeRounding) {
  for (const auto& [dtype, middle, low] : {std::tuple{"u8", 128, 0}, std::tuple{"i8", 0, -128}}) {
    const Graph graph = lowered(
        fmt::format("input x {}:1x3x6x6\n", dtype) + scale(0, 0.01, middle, dtype) + scale(1, 0.01, middle, dtype) +
            scale(2, 0.012, middle, dtype) + scale(3, 0.014, low, dtype) + dq("xd", "x", 0) +
            weights("w1", "8x3x3x3", 8, 1) + weights("w2", "8x3x1x1", 8, 2) + "c1 = Conv(xd, w1) pads=1*4\n" +
            q("c1q", "c1", 1) + dq("c1d", "c1q", 1) + "c2 = Conv(xd, w2)\n" + q("c2q", "c2", 2) + dq("c2d", "c2q", 2) +
            "a = Add(c1d, c2d)\nr = Relu(a)\n" + q("y", "r", 3) + "output y\n",
        1);
    EXPECT_EQ(ops(graph), "Transpose FusedConv FusedConv Transpose");
  }
}

TEST(Quantised, SignedFilesRoundOnceThoughTheyQuantiseAroundEveryRelu) {
  // Quantisers that keep zero points at 0 write Q and DQ both before and after a Relu, and around an Add.
  const Graph graph = lowered(
      "input x i8:1x4x6x6\n" + scale(0, 0.02, 0, "i8") + scale(1, 0.1, 0, "i8") + scale(2, 0.09, 0, "i8") +
          scale(3, 0.2, 0, "i8") + scale(4, 0.15, 0, "i8") + scale(5, 0.14, 0, "i8") + weights("w", "4x4x3x3", 4, 1) +
          weights("v", "4x4x1x1", 4, 2) + dq("xf", "x", 0) + "c = Conv(xf, w) pads=1*4\n" + q("cq", "c", 1) +
          dq("cf", "cq", 1) + "r = Relu(cf)\n" + q("rq", "r", 2) + dq("rf", "rq", 2) + "d = Conv(rf, v)\n" +
          q("dqq", "d", 3) + dq("df", "dqq", 3) + "s = Add(df, xf)\n" + q("sq", "s", 4) + dq("sf", "sq", 4) +
          "t = Relu(sf)\n" + q("y", "t", 5) + "output y\n",
      2);
  EXPECT_EQ(ops(graph), "Transpose FusedConv FusedConv Transpose");
  for (const int index : {1, 2}) {
    const auto& conv = graph.nodes[static_cast<std::size_t>(index)];
    EXPECT_EQ(conv.attributes.get_string("act", ""), "relu");
    EXPECT_EQ(graph.value(conv.outputs[0]).type.dtype, DType::i8);
  }
}

TEST(Quantised, AReluBehindANarrowerRangeIsLeftAsItIs) {
  // What the first QuantizeLinear cuts off at 1.27 must not come back.
  const Graph graph =
      lowered("input x i8:1x2x4x4\n" + scale(0, 0.02, 0, "i8") + scale(1, 0.01, 0, "i8") + scale(2, 0.09, 0, "i8") +
                  weights("w", "4x2x3x3", 4, 1) + dq("xf", "x", 0) + "c = Conv(xf, w)\n" + q("cq", "c", 1) +
                  dq("cf", "cq", 1) + "r = Relu(cf)\n" + q("y", "r", 2) + "output y\n",
              1);
  EXPECT_NE(ops(graph).find("Relu"), std::string::npos) << ops(graph);
}

TEST(Quantised, ResidualNetLowersCompletely) {
  for (const auto& [dtype, middle, low] : {std::tuple{"u8", 128, 0}, std::tuple{"i8", 0, -128}}) {
    // Two roundings are left out, so that a pooled value may be a step, 0.008, off; the product's 8 weights of 0.15 or
    // so make 0.01 of that, where its largest output is 0.075. Exactness is the business of the smaller graphs.
    const Graph graph = lowered(residual_net(dtype, middle, low), 0, 0.13);
    EXPECT_EQ(ops(graph),
              "ImageInput FusedConv MaxPool FusedConv FusedConv FusedConv DequantizeLinear GlobalAveragePool "
              "QuantizeLinear FusedConv Reshape DequantizeLinear")
        << print(graph);
    EXPECT_EQ(graph.value(graph.nodes[4].inputs[3]).type.dtype, *parse_dtype(dtype)) << "an 8-bit residual";
    EXPECT_EQ(graph.nodes[2].attributes.get_string("layout", ""), "NHWC");
  }
}

TEST(Quantised, SignedDataIsStoredUnsignedWhereTheDevicePrefersIt) {
  PassContext context;
  context.prefers_unsigned = true;
  // As symmetric quantisers write it: Q and DQ before and after a Relu, around the pooling and before the Add.
  const auto text = "input x f32:1x3x12x12\n" + scale(0, 0.01, 0, "i8") + scale(1, 0.008, 0, "i8") +
                    scale(2, 0.02, 0, "i8") + q("xq", "x", 0) + dq("xd", "xq", 0) + weights("w1", "8x3x3x3", 8, 1) +
                    weights("w2", "8x8x3x3", 8, 2) + "c1 = Conv(xd, w1) pads=1*4\n" + q("c1q", "c1", 1) +
                    dq("c1d", "c1q", 1) + "r1 = Relu(c1d)\n" + q("r1q", "r1", 1) + dq("r1d", "r1q", 1) +
                    "p = MaxPool(r1d) kernel_shape=2*2 strides=2*2\n" + q("pq", "p", 1) + dq("pd", "pq", 1) +
                    "c2 = Conv(pd, w2) pads=1*4\n" + q("c2q", "c2", 2) + dq("c2d", "c2q", 2) + "s = Add(c2d, pd)\n" +
                    q("sq", "s", 2) + dq("sd", "sq", 2) + "r2 = Relu(sd)\n" + q("r2q", "r2", 2) + dq("y", "r2q", 2) +
                    "output y\n";
  const Graph as_written = test::lowered(text, 0.03), shifted = test::lowered(text, 0.03, context);
  EXPECT_EQ(ops(as_written), "ImageInput FusedConv MaxPool FusedConv Transpose DequantizeLinear") << print(as_written);
  EXPECT_EQ(ops(shifted), ops(as_written)) << print(shifted);
  for (const auto index : {1u, 2u, 3u})
    for (const ValueId id : {shifted.nodes[index].inputs[0], shifted.nodes[index].outputs[0]})
      EXPECT_EQ(shifted.value(id).type.dtype, DType::u8) << print(shifted);
  EXPECT_EQ(shifted.nodes[1].attributes.get_string("act", ""), "clip") << "where 127 was, nothing may pass";
  const auto inputs = test::random_inputs(as_written);
  test::expect_close(evaluate(as_written, inputs), evaluate(shifted, inputs), 0);
}

TEST(Quantised, UnsignedDataKeepsItsZeroPointThroughPoolingAndFlattening) {
  PassContext context;
  context.prefers_unsigned = true;
  // The pooled values are never negative, but may pass what their own scale holds, so 127 cannot become 255.
  const Graph graph = test::lowered(
      "input x f32:1x4x6x6\n" + scale(0, 0.01, 0, "i8") + scale(1, 0.02, 0, "i8") + scale(2, 0.003, 0, "i8") +
          q("xq", "x", 0) + dq("xd", "xq", 0) + weights("w", "4x4x3x3", 4, 1) +
          "c = Conv(xd, w) pads=1*4\nr = Relu(c)\n" + q("rq", "r", 1) + dq("rd", "rq", 1) +
          "g = GlobalAveragePool(rd)\n" + q("gq", "g", 2) + dq("gd", "gq", 2) + "f = Flatten(gd)\n" + q("fq", "f", 2) +
          dq("fd", "fq", 2) + weights("v", "5x4", 5, 2) + "y = Gemm(fd, v) transB=1\noutput y\n",
      1e-4, context);
  EXPECT_EQ(ops(graph), "ImageInput FusedConv DequantizeLinear GlobalAveragePool QuantizeLinear FusedConv Reshape")
      << print(graph);
}

TEST(Quantised, SignedDataThatLeavesTheNetworkStaysSigned) {
  PassContext context;
  context.prefers_unsigned = true;
  const Graph graph = test::lowered("input x f32:1x2x4x4\n" + scale(0, 0.02, 3, "i8") + scale(1, 0.1, -7, "i8") +
                                        q("xq", "x", 0) + dq("xd", "xq", 0) + weights("w", "4x2x3x3", 4, 1) +
                                        "c = Conv(xd, w)\n" + q("y", "c", 1) + "output y\noutput xq\n",
                                    1e-5, context, {}, 1);
  EXPECT_EQ(graph.value(graph.outputs[0]).type.dtype, DType::i8);
  EXPECT_EQ(graph.value(graph.outputs[1]).type.dtype, DType::i8);
}

TEST(Quantised, FlattenedImageGoesIntoTheProduct) {
  const Graph graph =
      lowered("input x u8:2x3x4x4\n" + scale(0, 0.02, 100) + scale(1, 0.1, 90) + scale(2, 0.2, 128) +
                  weights("w1", "4x3x1x1", 4, 1) + dq("xd", "x", 0) + "c = Conv(xd, w1)\n" + q("cq", "c", 1) +
                  dq("cd", "cq", 1) + "f = Flatten(cd)\n" + q("fq", "f", 1) + dq("fd", "fq", 1) +
                  weights("w2", "64x5", 5, 2, 1) + "m = MatMul(fd, w2)\n" + q("y", "m", 2) + "output y\n",
              2);
  EXPECT_EQ(ops(graph), "Transpose FusedConv Reshape FusedConv Reshape");
}

TEST(Quantised, ConcatOfOtherScalesIsRequantisedByItsProducers) {
  const std::string head = "input x u8:1x3x4x4\n" + scale(0, 0.02, 100) + scale(1, 0.05, 0) + scale(2, 0.04, 0) +
                           scale(3, 0.06, 0) + weights("w1", "4x3x1x1", 4, 1) + weights("w2", "5x3x3x3", 5, 2) +
                           dq("xd", "x", 0) + "a = Conv(xd, w1)\nb = Conv(xd, w2) pads=1*4\n";
  const Graph shared = lowered(head + "j = Concat(a, b) axis=1\n" + q("y", "j", 3) + "output y\n", 1);
  EXPECT_EQ(ops(shared), "Transpose FusedConv FusedConv Concat Transpose");
  const Graph apart = lowered(head + q("aq", "a", 1) + dq("ad", "aq", 1) + q("bq", "b", 3) + dq("bd", "bq", 3) +
                                  "j = Concat(ad, bd) axis=1\n" + q("y", "j", 3) + "output y\n",
                              1);
  EXPECT_EQ(ops(apart), "Transpose FusedConv FusedConv Concat Transpose");
}

TEST(Quantised, MovementRunsOnBytes) {
  const Graph graph = lowered("input x u8:1x4x4x4\n" + scale(0, 0.5, 100) + dq("xd", "x", 0) +
                                  "p = Pad(xd) pads=0,0,1,1,0,0,1,1 constant_value=2.0\n"
                                  "s = Slice(p) starts=1, ends=3, axes=1,\nt = Transpose(s) perm=0,2,3,1\n"
                                  "r = Reshape(t) shape=2,-1\n" +
                                  q("y", "r", 0) + "output y\n",
                              0);
  EXPECT_EQ(ops(graph), "Pad Slice Transpose Reshape");
}

TEST(Quantised, WhatTheDeviceCannotRunStaysInFloat) {
  PassContext context;
  context.can_run = [](const Problem& problem) {
    return problem.op != "FusedConv" || problem.input(0).dtype == DType::f32;
  };
  const Graph graph =
      test::lowered("input x u8:1x3x6x6\n" + scale(0, 0.02, 120) + scale(1, 0.1, 0) + weights("w", "4x3x3x3", 4, 1) +
                        dq("xf", "x", 0) + "c = Conv(xf, w)\n" + q("y", "c", 1) + "output y\n",
                    0, context, {}, 1);
  EXPECT_EQ(ops(graph), "Transpose DequantizeLinear FusedConv QuantizeLinear Transpose");
}

/// Bytes or 8-bit floats between two convolutions, padded with `padding` ahead of the second.
Graph padded_net(std::string_view dtype, double step, int zero, double padding, std::string_view pads,
                 const PassContext& context = {}) {
  const bool floats = dtype == "f8e4m3";
  const auto weights_of = [&](std::string_view name) {
    return fmt::format(
        "const {0}q {1}:6x6x3x3 random(1{2})\nconst {0}s f32:6 random(2,0.001,0.002)\nconst {0}z {1}:6 zeros\n"
        "{0} = DequantizeLinear({0}q, {0}s, {0}z) axis=0\n",
        name, floats ? "f8e4m3" : "i8", floats ? "" : ",-127,128");
  };
  return test::lowered(fmt::format("input x {}:1x6x7x8\n", dtype) + scale(0, step, zero, dtype) +
                           scale(1, 0.05, zero, dtype) + weights_of("v") + weights_of("w") +
                           "const b f32:6 random(3)\n" + dq("xf", "x", 0) + "a = Conv(xf, v)\n" + q("aq", "a", 0) +
                           dq("ad", "aq", 0) + fmt::format("p = Pad(ad) pads={} constant_value={}\n", pads, padding) +
                           "c = Conv(p, w, b)\n" + q("y", "c", 1) + "output y\n",
                       1e-5, context, {}, 1);
}

TEST(Quantised, PaddingWithAStoredNumberBecomesTheZeroPoint) {
  for (const auto& [dtype, zero, padding] : {std::tuple{"u8", 120, -0.5}, std::tuple{"i8", 0, -1.5},
                                             std::tuple{"i8", -3, 0.25}, std::tuple{"f8e4m3", 0, -0.1875}}) {
    const double step = std::string_view(dtype) == "f8e4m3" ? 0.125 : 0.015625;
    const Graph graph = padded_net(dtype, step, zero, padding, "0,0,1,2,0,0,3,0");
    ASSERT_EQ(ops(graph), "Transpose FusedConv FusedConv Transpose") << dtype;
    const auto& conv = graph.nodes[2];
    EXPECT_EQ(conv.attributes.get_ints("pads"), (std::vector<std::int64_t>{1, 2, 3, 0}));
    EXPECT_FALSE(conv.attributes.has("symmetric"));
    EXPECT_EQ(graph.value(conv.inputs[5]).constant.data<float>()[1], padding / step + zero);
  }
}

TEST(Quantised, PaddingStaysWhereNoKernelTakesIt) {
  PassContext context;
  context.can_run = [](const Problem& problem) {
    return problem.op != "FusedConv" || problem.attributes.get_int("symmetric", 0) != 0;
  };
  EXPECT_EQ(ops(padded_net("f8e4m3", 0.125, 0, -0.1875, "0,0,1,1,0,0,1,1", context)),
            "Transpose FusedConv Pad FusedConv Transpose");
  // No number of 8-bit floats at this step, and none that can be stored at all.
  for (const double padding : {-0.19, -100.0})
    EXPECT_EQ(test::count(padded_net("f8e4m3", 0.125, 0, padding, "0,0,1,1,0,0,1,1"), "Pad"), 1) << padding;
  // What surrounds an image, not its channels, is padding of windows.
  EXPECT_EQ(test::count(padded_net("u8", 0.015625, 120, -0.5, "1,0,1,1,0,0,1,1"), "Pad"), 1);
}

}  // namespace
}  // namespace halftone
