#include "tests/unit/passes/passes_test.h"

// Networks as TensorFlow's converter writes them: images channels last, a Transpose in front of and behind each layer
// that ONNX wants channels first, padding and normalisation as nodes of their own, shapes computed.
namespace halftone {
namespace {

using test::lowered;
using test::ops;

TEST(Exporter, ChannelsLastNetworkHasNoTransposeLeft) {
  const Graph graph = lowered(R"(
input x f32:N@2x12x12x3
const w1 f32:8x3x3x3 random(1)
const scale f32:8 random(2,0.5,1.5)
const shift f32:8 random(3)
const dw f32:3x3x8x1 random(4)
const g f32:8 random(5,0.5,1.5)
const b f32:8 random(6)
const zero f32: [0]
const six f32: [6]
const w2 f32:8x8x3x3 random(7)
const b2 f32:8 random(8)
const w3 f32:6x8x1x1 random(9)
const three f32: [3]
const sixth f32: [0.16666667]
const w4 f32:4x14x1x1 random(10)
const w5 f32:14x4x1x1 random(11)
const fc f32:14x5 random(12)
const fb f32:5 random(13)
const i0 i64:1 [0]
const i1 i64:1 [1]
const c14 i32:1 [14]
p1 = Pad(x) mode=constant pads=0,1,1,0,0,1,1,0
t1 = Transpose(p1) perm=0,3,1,2
c1 = Conv(t1, w1) strides=2*2 auto_pad=VALID
u1 = Transpose(c1) perm=0,2,3,1
m1 = Mul(u1, scale)
a1 = Add(m1, shift)
r1 = Relu(a1)
dr = Reshape(dw) shape=3,3,1,8
dt = Transpose(dr) perm=3,2,0,1
t2 = Transpose(r1) perm=0,3,1,2
c2 = Conv(t2, dt) group=8 pads=0,0,1,1 strides=2*2
n2 = BatchNormalization(c2, g, b, b, g)
l2 = Max(n2, zero)
h2 = Min(l2, six)
u2 = Transpose(h2) perm=0,2,3,1
t3 = Transpose(u2) perm=0,3,1,2
c3 = Conv(t3, w2) auto_pad=SAME_UPPER
u3 = Transpose(c3) perm=0,2,3,1
a3 = Add(u3, b2)
s3 = Add(a3, u2)
r3 = Relu(s3)
t4 = Transpose(r3) perm=0,3,1,2
c4 = Conv(t4, w3)
u4 = Transpose(c4) perm=0,2,3,1
g4 = Sigmoid(u4)
e4 = Mul(u4, g4)
q4 = MaxPool(t4) auto_pad=SAME_UPPER kernel_shape=2*2
v4 = Transpose(q4) perm=0,2,3,1
j = Concat(e4, v4) axis=3
k3 = Add(j, three)
k6 = Clip(k3) min=0.0 max=6.0
kd = Mul(k6, sixth)
hs = Mul(j, kd)
mean = ReduceMean(hs) axes=1,2 keepdims=1
t5 = Transpose(mean) perm=0,3,1,2
c5 = Conv(t5, w4)
r5 = Relu(c5)
c6 = Conv(r5, w5)
u6 = Transpose(c6) perm=0,2,3,1
g6 = Sigmoid(u6)
se = Mul(hs, g6)
t7 = Transpose(se) perm=0,3,1,2
z7 = Resize(t7) mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor scales=1.0,1.0,2.0,2.0
u7 = Transpose(z7) perm=0,2,3,1
sh = Shape(u7)
fill = ConstantOfShape(sh)
f7 = Add(u7, fill)
flat = ReduceMean(f7) axes=1,2 keepdims=0
fs = Shape(flat)
f32s = Cast(fs) to=i32
fn = Slice(f32s, i0, i1, i0)
ft = Concat(fn, c14) axis=0
f64s = Cast(ft) to=i64
fr = Reshape(flat, f64s)
mm = MatMul(fr, fc)
logits = Add(mm, fb)
prob = Softmax(logits) axis=-1
out = Identity(prob)
output out
)");
  EXPECT_EQ(
      ops(graph),
      "FusedConv FusedConv FusedConv FusedConv MaxPool Concat HardSwish ReduceMean FusedConv FusedConv Mul Resize Add "
      "ReduceMean Reshape FusedConv Reshape Softmax")
      << print(graph);
}

TEST(Exporter, AffineMapsFoldThroughATranspose) {
  for (const std::string behind : {"a = Sub(m, c)\ny = Div(a, k)\n", "a = Mul(c, m)\ny = Add(k, a)\n"}) {
    const Graph graph = lowered(R"(
input x f32:1x2x5x5
const w f32:4x2x3x3 random(1)
const c f32:4 random(2)
const k f32:1x1x1x4 random(3,0.5,2)
v = Conv(x, w)
m = Transpose(v) perm=0,2,3,1
)" + behind + "output y\n");
    EXPECT_EQ(ops(graph), "Transpose FusedConv") << behind;
  }
}

TEST(Exporter, AnAffineMapAlongAnotherAxisStays) {
  // Behind the Transpose the constants run along the width, and one is read elsewhere too.
  const Graph graph = lowered(R"(
input x f32:1x2x6x6
const w f32:4x2x3x3 random(1)
const c f32:1x4x1 random(2)
const k f32:4 random(3)
v = Conv(x, w)
m = Transpose(v) perm=0,2,3,1
a = Mul(m, c)
y = Add(m, k)
output a
output y
)");
  EXPECT_EQ(ops(graph), "Transpose FusedConv Mul Add");
}

TEST(Exporter, BoundsOfOneElementAreAClip) {
  for (const std::string bounds : {"a = Max(c, low)\ny = Min(a, high)\n", "a = Min(high, c)\ny = Max(low, a)\n",
                                   "y = Max(c, low)\n", "a = Clip(c) min=-1.0\ny = Min(a, high)\n"}) {
    const Graph graph = lowered(R"(
input x f32:1x1x5x5
const w f32:4x1x3x3 random(1)
const low f32: [-0.25]
const high f32:1 [0.5]
c = Conv(x, w)
)" + bounds + "output y\n");
    EXPECT_EQ(ops(graph), "Reshape FusedConv Transpose") << bounds;
  }
  const Graph crossed = lowered(R"(
input x f32:1x8
const low f32: [0.5]
const high f32: [-0.5]
a = Min(x, high)
y = Max(a, low)
output y
)");
  EXPECT_EQ(ops(crossed), "Clip Clip");
}

}  // namespace
}  // namespace halftone
