#include <gtest/gtest.h>

#include "graph/text.h"
#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

/// A PyTorch export's view(x.size(0), -1): the target shape is computed from the input's.
constexpr std::string_view kComputedReshape = R"(
input x f32:N@2x3x4x4
const zero i64: [0]
const axes i64:1 [0]
const rest i64:1 [-1]
shape = Shape(x)
n = Gather(shape, zero) axis=0
n1 = Unsqueeze(n, axes)
target = Concat(n1, rest) axis=0
y = Reshape(x, target)
output y
)";

std::string output_type(const Graph& graph) { return graph.value(graph.outputs[0]).type.text(); }

TEST(Infer, FollowsShapesThroughChains) { EXPECT_EQ(output_type(parse_graph(kComputedReshape)), "f32:2x48"); }

TEST(Infer, BatchReachesComputedShapes) {
  Graph graph = parse_graph(kComputedReshape);
  set_batch(graph, 5);
  EXPECT_EQ(output_type(graph), "f32:5x48");
  set_batch(graph, 1);
  EXPECT_EQ(output_type(graph), "f32:1x48");
  const Tensor x(DType::f32, Shape{1, 3, 4, 4});
  EXPECT_EQ(evaluate(graph, {{x}})[0].type().text(), "f32:1x48");
}

TEST(Infer, FixedBatchFollowsWhereTheModelAllowsIt) {
  Graph follows = parse_graph("input x f32:1x3x4x4\ny = GlobalAveragePool(x)\noutput y\n");
  set_batch(follows, 4);
  EXPECT_EQ(output_type(follows), "f32:4x3x1x1");
}

TEST(Infer, FixedBatchThatCannotFollowIsRefused) {
  for (const auto text : {"input x f32:1x3x4\nconst s i64:2 [1 12]\ny = Reshape(x, s)\noutput y\n",
                          "input x f32:1x3x4\nconst s i64:2 [-1 12]\nr = Reshape(x, s)\nconst a i64:1 [0]\n"
                          "y = ReduceMean(r, a) keepdims=0\noutput y\n"}) {
    Graph graph = parse_graph(text);
    Code code{};
    const auto message = message_of([&] { set_batch(graph, 4); }, &code);
    EXPECT_EQ(code, Code::unsupported);
    EXPECT_NE(message.find("batch size is fixed and cannot become 4"), std::string::npos) << message;
  }
  Graph graph = parse_graph("input x f32:1x3\ny = Relu(x)\noutput y\n");
  EXPECT_NE(message_of([&] { set_batch(graph, 0); }), "");
}

TEST(Infer, ErrorsNameTheNode) {
  Code code{};
  const auto message =
      message_of([] { (void)parse_graph("input x f32:2x3\ninput z f32:4\nbad = Add(x, z)\noutput bad\n"); }, &code);
  EXPECT_EQ(code, Code::invalid_model);
  EXPECT_NE(message.find("node 'bad' (Add)"), std::string::npos) << message;
}

TEST(Infer, StructuralInputsMustBeKnown) {
  Code code{};
  const auto message =
      message_of([] { (void)parse_graph("input x f32:2x3\ninput s i64:2\nr = Reshape(x, s)\noutput r\n"); }, &code);
  EXPECT_EQ(code, Code::unsupported);
  EXPECT_NE(message.find("input 's' (shape) of Reshape must be constant"), std::string::npos) << message;
}

TEST(Infer, StructuralInputsMayKeepTheirType) {
  Graph graph = parse_graph(R"(
input x i64:3
const depth i64: [4]
const values f16:2 [0 1]
y = OneHot(x, depth, values)
output y
)");
  EXPECT_EQ(output_type(graph), "f16:3x4");
  fold_constants(graph);
  EXPECT_EQ(graph.nodes[0].inputs.size(), 1u);
  EXPECT_EQ(problem_of(graph, graph.nodes[0]).text(), "OneHot i64:3 depth=4, values=<f16:2;0,1>");
}

TEST(Fold, ReplacesComputedShapesByAttributes) {
  Graph graph = parse_graph(kComputedReshape);
  fold_constants(graph);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(problem_of(graph, graph.nodes[0]).text(), "Reshape f32:2x3x4x4 shape=2,-1");
  EXPECT_EQ(output_type(graph), "f32:2x48");
}

TEST(Fold, ComputesOnConstantsAndKeepsTheRest) {
  Graph graph = parse_graph(R"(
input x f32:2
const w f32:2 [1 2]
const two f32: [2]
scaled = Mul(w, two)
y = Add(x, scaled)
output y
output scaled
)");
  fold_constants(graph);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op, "Add");
  EXPECT_EQ(graph.value(graph.outputs[1]).constant.to_doubles(), (Doubles{2, 4}));
}

TEST(Fold, LeavesLargeConstantsThatWouldGrow) {
  constexpr std::string_view kText = R"(
const one f32:1 [1]
const shape i64:2 [1000 1000]
y = Expand(one, shape)
output y
)";
  Graph small = parse_graph(kText);
  fold_constants(small, 1000);
  EXPECT_EQ(small.nodes.size(), 1u);
  Graph large = parse_graph(kText);
  fold_constants(large);
  EXPECT_EQ(large.nodes.size(), 0u);
  EXPECT_EQ(large.value(large.outputs[0]).constant.count(), 1000000);
}

TEST(Evaluate, RefusesWrongInputs) {
  const Graph graph = parse_graph("input x f32:2\ny = Relu(x)\noutput y\n");
  EXPECT_NE(message_of([&] { (void)evaluate(graph, {}); }), "");
}

TEST(Evaluate, ShowsEveryValueInOrder) {
  const Graph graph = parse_graph("input x f32:2\na = Neg(x)\ny = Relu(a)\noutput y\n");
  std::vector<std::string> seen;
  const auto outputs =
      evaluate(graph, {{f32({2}, {1, -3})}}, [&](ValueId id, const Tensor&) { seen.push_back(graph.value(id).name); });
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "y"}));
  EXPECT_EQ(outputs[0].to_doubles(), (Doubles{0, 3}));
}

}  // namespace
}  // namespace halftone
