#include "tests/unit/passes/passes_test.h"

namespace halftone {
namespace {

using test::count;
using test::ops;

/// Simplifies, then checks the result for its own and another batch size.
Graph simplified(std::string_view text) {
  const Graph graph = parse_graph(text);
  Graph result = graph;
  simplify(result);
  for (const std::int64_t batch : {1, 3}) {
    Graph before = graph, after = result;
    set_batch(before, batch);
    set_batch(after, batch);
    const auto inputs = test::random_inputs(before);
    test::expect_close(evaluate(before, inputs), evaluate(after, inputs), 1e-5);
  }
  return result;
}

TEST(Simplify, KeepsPlainOperatorsAndTheBatchOpen) {
  const Graph graph = simplified(R"(
input x f32:Nx2x5x5
const w f32:4x2x3x3 random(1)
const g f32:4 random(2,0.5,1.5)
const b f32:4 random(3)
const one i64:1 [1]
const zero i64:1 [0]
const minus i64:1 [-1]
const p f32:1x4x1x1 random(4)
const r f32:1x1x1x1 random(5)
i = Identity(x)
c = Conv(i, w)
n = BatchNormalization(c, g, b, b, g)
pr = Add(p, r)
a = Mul(n, pr)
d = Dropout(a)
s = Shape(d)
first = Gather(s, one) axis=0
f = Flatten(d)
sf = Shape(f)
batch = Slice(s, zero, one)
shape = Concat(batch, minus) axis=0
y = Reshape(d, shape)
output y
output first
)");
  EXPECT_EQ(count(graph, "Identity") + count(graph, "Dropout") + count(graph, "BatchNormalization"), 0);
  EXPECT_EQ(count(graph, "Conv"), 1);
  EXPECT_EQ(count(graph, "Reshape"), 1);
  EXPECT_EQ(graph.value(graph.inputs[0]).dim_names[0], "N");
}

TEST(Simplify, AReshapeThatIsIdleForOneImageOnlyStays) {
  const Graph graph = simplified(R"(
input x f32:Nx6
const shape i64:2 [-1 6]
const flat i64:2 [-1 3]
a = Reshape(x, flat)
y = Reshape(a, shape)
output y
)");
  EXPECT_EQ(ops(graph), "Reshape Reshape");
}

TEST(Fold, EqualNodesBecomeOneAndOutputsKeepTheirNames) {
  const Graph graph = test::lowered(R"(
input x f32:2x3
const k f32: [2]
const l f32: [2]
a = Mul(x, k)
b = Mul(x, l)
c = Add(a, b)
i = Identity(x)
d = Identity(c)
e = Cast(c) to=f32
output d
output e
output i
)");
  EXPECT_EQ(count(graph, "Mul"), 1);
  EXPECT_EQ(count(graph, "Add"), 1);
}

TEST(Fold, IdleNodesGo) {
  const Graph graph = test::lowered(R"(
input x f32:2x3x4x4
r = Relu(x)
a = AveragePool(r) kernel_shape=1,1
b = Slice(a) starts=0, ends=99, axes=2,
c = Pad(b) pads=0*8
d = Transpose(c) perm=0,3,1,2
e = Transpose(d) perm=0,2,3,1
f = Concat(e) axis=1
g = Reshape(f) shape=2,48
h = Reshape(g) shape=2,3,16
i = Unsqueeze(h) axes=0,
output i
)");
  EXPECT_EQ(ops(graph), "Relu Reshape");
}

}  // namespace
}  // namespace halftone
