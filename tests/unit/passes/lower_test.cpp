#include "tests/unit/passes/passes_test.h"

namespace halftone {
namespace {

using test::lowered;
using test::ops;

TEST(Lower, ConvBatchNormReluAddPoolGemmIsOneChain) {
  const Graph graph = lowered(R"(
input x f32:2x3x9x9
const w1 f32:8x3x3x3 random(1)
const g f32:8 random(2,0.5,1.5)
const b f32:8 random(3)
const m f32:8 random(4)
const v f32:8 random(5,0.5,2)
const w2 f32:8x8x3x3 random(6)
const b2 f32:8 random(7)
const fc f32:10x8 random(8)
const fb f32:10 random(9)
c1 = Conv(x, w1) pads=1*4 strides=2,2
n1 = BatchNormalization(c1, g, b, m, v) epsilon=0.001
r1 = Relu(n1)
c2 = Conv(r1, w2, b2) pads=1*4
a = Add(c2, r1)
r2 = Relu(a)
p = MaxPool(r2) kernel_shape=3,3 strides=2,2 pads=1*4
q = GlobalAveragePool(p)
f = Flatten(q)
y = Gemm(f, fc, fb) transB=1
output y
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv FusedConv MaxPool GlobalAveragePool FusedConv Reshape");
  EXPECT_EQ(graph.nodes[2].attributes.get_string("act", ""), "relu");
  EXPECT_EQ(graph.nodes[2].inputs.size(), 4u);
}

TEST(Lower, FlattenedImageNeedsNoTranspose) {
  const Graph graph = lowered(R"(
input x f32:2x1x6x5
const w1 f32:4x1x3x3 random(1)
const fc f32:48x7 random(2)
const fb f32:7 random(3)
c1 = Conv(x, w1) pads=0*4
r1 = Relu(c1)
f = Flatten(r1)
d = Dropout(f)
y = Gemm(d, fc, fb) alpha=0.5 beta=2.0
z = Relu(y)
output z
)",
                              1e-5);
  EXPECT_EQ(ops(graph), "Reshape FusedConv Reshape FusedConv Reshape");
}

TEST(Lower, ProductsBecomePointwiseConvolutions) {
  const Graph graph = lowered(R"(
input x f32:2x5x6
const w f32:6x4 random(1)
const b f32:4 random(2)
const w2 f32:4x3 random(3)
m = MatMul(x, w)
a = Add(m, b)
r = Relu(a)
y = MatMul(r, w2)
output y
)");
  EXPECT_EQ(ops(graph), "Reshape FusedConv FusedConv Reshape");
}

TEST(Lower, LayersOfOneDimensionAreLifted) {
  const Graph graph = lowered(R"(
input x f32:2x3x20
const w f32:6x3x5 random(1)
const w2 f32:6x1x3 random(2)
const w3 f32:2x6x1 random(3)
c = Conv(x, w) pads=2,1 strides=2 dilations=2
r = LeakyRelu(c) alpha=0.1
p = AveragePool(r) kernel_shape=2, strides=2, pads=1,0 count_include_pad=1
d = Conv(p, w2) group=6 auto_pad=SAME_LOWER
e = Conv(d, w3)
y = GlobalMaxPool(e)
output y
)");
  EXPECT_EQ(ops(graph), "Transpose Reshape FusedConv AveragePool FusedConv FusedConv GlobalMaxPool Reshape");
}

TEST(Lower, TransposesAreCarriedThroughWhatFollows) {
  const Graph graph = lowered(R"(
input x f32:1x4x8x8
const w f32:6x4x1x1 random(1)
const s f32:6x1x1 random(2)
const t f32:1x6x8x1 random(3)
const sw f32:6x6x1x1 random(4)
c = Conv(x, w)
m = Mul(c, s)
k = Add(m, t)
g = ReduceMean(k) axes=2,3 keepdims=1
gc = Conv(g, sw)
h = HardSigmoid(gc)
e = Mul(k, h)
p = Pad(e) pads=0,0,1,1,0,0,0,1
s1 = Slice(p) starts=1,2 ends=5,9 axes=1,3
l, r = Split(s1) axis=1 split=1,3
j = Concat(r, l) axis=1
n = Softmax(j) axis=1
q = Transpose(n) perm=0,2,3,1
z = ReduceSum(n) axes=-1 keepdims=0
output q
output z
)");
  EXPECT_EQ(test::count(graph, "Transpose"), 2) << print(graph);  // the input, and z in ONNX's order
}

TEST(Lower, ImageOperatorsWorkChannelsLast) {
  const Graph graph = lowered(R"(
input x f32:1x3x6x6
const w f32:4x3x3x3 random(1)
const g f32:4 random(2)
const b f32:4 random(3)
const s f32:4 random(4,0.01,0.1)
const z i8:4 zeros
c = Conv(x, w)
u = Resize(c) mode=linear scales=1.0,1.0,2.0,1.5
i = InstanceNormalization(u, g, b)
l = LRN(i) size=3
q = QuantizeLinear(l, s, z) axis=1
d = DequantizeLinear(q, s, z) axis=1
p = MaxPool(d) kernel_shape=3,3 ceil_mode=1 auto_pad=SAME_UPPER strides=2,2
y = AveragePool(p) kernel_shape=2,2 pads=1*4
output y
)");
  EXPECT_EQ(ops(graph),
            "Transpose FusedConv Resize InstanceNormalization LRN QuantizeLinear DequantizeLinear MaxPool AveragePool "
            "Transpose");
}

TEST(Lower, OutputsNobodyReadsAreNoTrouble) {
  const Graph graph = lowered(R"(
input x f32:1x3x6x6
const w f32:6x3x3x3 random(1)
c = Conv(x, w)
z, a, b = Split(c) axis=1
p, i = MaxPool(a) kernel_shape=2,2
r, j = MaxPool(b) kernel_shape=2,2
output p
output i
output j
)");
  EXPECT_EQ(test::count(graph, "MaxPool"), 2);
}

TEST(Lower, TokensOfPatchesNeedNoTranspose) {
  const Graph graph = lowered(R"(
input x f32:2x3x8x8
const w f32:5x3x4x4 random(1)
c = Conv(x, w) strides=4,4
f = Reshape(c) shape=2,5,-1
t = Transpose(f) perm=0,2,1
output t
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv Reshape");
}

TEST(Lower, ChannelShuffleWorksOnTheLastAxis) {
  const Graph graph = lowered(R"(
input x f32:2x3x4x4
const w f32:6x3x1x1 random(1)
const v f32:6x2x1x1 random(2)
c = Conv(x, w)
a = Reshape(c) shape=2,3,2,4,4
b = Transpose(a) perm=0,2,1,3,4
d = Reshape(b) shape=2,-1,4,4
y = Conv(d, v) group=3
g = GlobalAveragePool(y)
output g
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv Reshape Transpose Reshape FusedConv GlobalAveragePool Reshape");
}

TEST(Lower, ActivationsAreFused) {
  for (const std::string act :
       {"y = Relu(c)", "y = Clip(c) min=-0.5 max=0.5", "y = Clip(c) min=0.0", "y = LeakyRelu(c) alpha=0.2",
        "y = Sigmoid(c)", "y = Tanh(c)", "y = HardSigmoid(c) alpha=0.3", "y = HardSwish(c)", "y = Elu(c) alpha=0.7",
        "s = Sigmoid(c)\ny = Mul(c, s)", "h = HardSigmoid(c) alpha=0.16666667 beta=0.5\ny = Mul(h, c)",
        "a = Add(c, three)\nb = Clip(a) min=0.0 max=6.0\nd = Div(b, six)\ny = Mul(c, d)",
        "a = Add(c, three)\nb = Clip(a) min=0.0 max=6.0\nd = Mul(c, b)\ny = Div(d, six)",
        "a = Add(c, three)\nb = Clip(a) min=0.0 max=6.0\ny = Div(b, six)"}) {
    const Graph graph = lowered(R"(
input x f32:1x1x5x5
const w f32:4x1x3x3 random(1)
const three f32: [3]
const six f32: [6]
c = Conv(x, w)
)" + act + "\noutput y\n");
    EXPECT_EQ(ops(graph), "Reshape FusedConv Transpose") << act;
    EXPECT_TRUE(graph.nodes[1].attributes.has("act")) << act;
  }
}

TEST(Lower, AnActivationWithOtherReadersStays) {
  const Graph graph = lowered(R"(
input x f32:1x1x5x5
const w f32:4x1x3x3 random(1)
c = Conv(x, w)
r = Relu(c)
y = Add(c, r)
output y
output c
)");
  EXPECT_EQ(test::count(graph, "Relu"), 1);
}

TEST(Lower, TheLaterConvolutionTakesTheSum) {
  const Graph graph = lowered(R"(
input x f32:1x2x5x5
const w f32:4x2x3x3 random(1)
const v f32:4x4x3x3 random(2)
const d f32:4x2x1x1 random(3)
a = Conv(x, w) pads=1*4
b = Conv(a, v) pads=1*4
s = Conv(x, d)
sum = Add(b, s)
y = Relu(sum)
output y
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv FusedConv FusedConv Transpose");
}

TEST(Lower, AnUnconvertibleConvolutionStays) {
  const Graph graph = lowered(R"(
input x f32:1x2x4x4x4
input k f32:3x2x1x1
input z f32:1x2x4x4
const w f32:3x2x3x3x3 random(1)
y = Conv(x, w)
u = Conv(z, k)
output y
output u
)");
  EXPECT_EQ(ops(graph), "Conv Conv");
}

TEST(Lower, PaddingMovesIntoItsReader) {
  const Graph graph = lowered(R"(
input x f32:1x2x5x5
const w f32:4x2x3x3 random(1)
p = Pad(x) pads=0,0,1,0,0,0,1,2
c = Conv(p, w) pads=0,1,0,0
q = Pad(c) pads=0,0,1,1,0,0,1,1
y = AveragePool(q) kernel_shape=3,3
output y
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv AveragePool Transpose");
}

TEST(Lower, AffineMapsFoldIntoConvolutions) {
  const Graph graph = lowered(R"(
input x f32:1x2x5x5
const mean f32:1x2x1x1 [0.5 0.25]
const deviation f32:2x1x1 [0.5 2]
const w f32:4x2x3x3 random(1)
const g f32:4 random(2,0.5,1.5)
const b f32:4 random(3)
const gain f32:4x1x1 random(4,0.5,2)
centred = Sub(x, mean)
scaled = Div(centred, deviation)
c = Conv(scaled, w)
m = Mul(gain, c)
y = BatchNormalization(m, g, b, b, g)
output y
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv Transpose");
}

TEST(Lower, LoneBatchNormalizationBecomesMulAndAdd) {
  const Graph graph = lowered(R"(
input x f32:2x3x4x4
const g f32:3 random(2,0.5,1.5)
const b f32:3 random(3)
const w f32:4x3x3x3 random(1)
n = BatchNormalization(x, g, b, b, g)
r = Relu(n)
y = Conv(r, w) pads=1*4
output y
)");
  EXPECT_EQ(test::count(graph, "BatchNormalization"), 0);
  EXPECT_EQ(test::count(graph, "Transpose"), 2);
}

TEST(Lower, PassesCanBeSwitchedOff) {
  constexpr std::string_view kText = R"(
input x f32:1x2x5x5
const w f32:4x2x3x3 random(1)
c = Conv(x, w)
y = Relu(c)
output y
)";
  EXPECT_EQ(ops(lowered(kText, 1e-5, {}, {"fuse"})), "Transpose FusedConv Relu Transpose");
  EXPECT_EQ(ops(lowered(kText, 1e-5, {}, {"nhwc"})), "Conv Relu");
  Graph graph = parse_graph(kText);
  EXPECT_THROW(lower(graph, {}, {"nonsense"}), Error);
  for (const auto& pass : all_passes()) lowered(kText, 1e-5, {}, {std::string(pass.name)});
}

}  // namespace
}  // namespace halftone
