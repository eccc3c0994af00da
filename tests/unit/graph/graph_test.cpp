#include "graph/graph.h"

#include <gtest/gtest.h>

#include "graph/text.h"
#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

const TensorType kType{DType::f32, Shape{2, 3}};

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> list;
  for (const auto& node : graph.nodes) list.push_back(node.name);
  return list;
}

TEST(Graph, SortPutsMakersBeforeReaders) {
  Graph graph;
  const auto x = graph.add_input("x", kType);
  const auto a = graph.add_node("Relu", {x}, {}, "a");
  const auto b = graph.add_node("Add", {a, x}, {}, "b");
  const auto c = graph.add_node("Exp", {x}, {}, "c");
  graph.outputs = {graph.add_node("Add", {b, c}, {}, "d")};
  std::swap(graph.nodes[0], graph.nodes[3]);
  EXPECT_NE(message_of([&] { graph.verify(); }), "");
  graph.sort();
  graph.verify();
  EXPECT_EQ(names(graph), (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST(Graph, SortNamesACycle) {
  Graph graph;
  const auto x = graph.add_input("x", kType);
  const auto a = graph.add_node("Add", {x, x}, {}, "first");
  const auto b = graph.add_node("Relu", {a}, {}, "second");
  graph.nodes[0].inputs[1] = b;
  graph.outputs = {b};
  Code code{};
  const auto message = message_of([&] { graph.sort(); }, &code);
  EXPECT_EQ(code, Code::invalid_model);
  EXPECT_NE(message.find("cycle through node 'first'"), std::string::npos) << message;
}

TEST(Graph, SortTakesLongChains) {
  Graph graph;
  ValueId last = graph.add_input("x", kType);
  for (int i = 0; i < 2000; ++i) last = graph.add_node("Relu", {last}, {}, fmt::format("n{}", i));
  graph.outputs = {last};
  std::reverse(graph.nodes.begin(), graph.nodes.end());
  graph.sort();
  EXPECT_EQ(graph.nodes.front().name, "n0");
}

TEST(Graph, CompactDropsWhatNobodyReads) {
  Graph graph;
  const auto x = graph.add_input("x", kType);
  const auto unused_input = graph.add_input("unused", kType);
  (void)unused_input;
  graph.add_constant("w", Tensor::from<float>({1}, {1}));
  graph.add_node("Exp", {graph.add_node("Log", {x}, {}, "dead1")}, {}, "dead2");
  const auto cleared = graph.add_node("Neg", {x}, {}, "cleared");
  graph.outputs = {graph.add_node("Relu", {x}, {}, "live")};
  graph.nodes[2].op.clear();
  (void)cleared;
  graph.compact();
  graph.verify();
  EXPECT_EQ(names(graph), std::vector<std::string>{"live"});
  EXPECT_EQ(graph.inputs.size(), 2u);
  EXPECT_EQ(graph.values.size(), 3u);
}

TEST(Graph, CompactKeepsASplitsOutputsAndDropsATopKsSpare) {
  Graph graph = parse_graph(R"(
input x f32:4x6
a, b, c = Split(x) axis=1
v, i = TopK(b) K=1
output v
)");
  graph.compact();
  EXPECT_EQ(graph.nodes[0].outputs.size(), 3u);
  EXPECT_EQ(graph.nodes[0].outputs[2], kNoValue);
  EXPECT_EQ(graph.nodes[1].outputs.size(), 1u);
  graph.verify();
  const Tensor x =
      Tensor::from<float>({4, 6}, {0, 0, 1, 9, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 5, 4, 0, 0, 0, 0, 6, 7, 0, 0});
  EXPECT_EQ(evaluate(graph, {{x}})[0].to_doubles(), (Doubles{9, 3, 5, 7}));
}

TEST(Graph, VerifyNamesWhatIsWrong) {
  const auto complaint = [](auto change) {
    Graph graph;
    const auto x = graph.add_input("x", kType);
    graph.outputs = {graph.add_node("Relu", {x}, {}, "r")};
    change(graph);
    return message_of([&] { graph.verify(); });
  };
  EXPECT_EQ(complaint([](Graph&) {}), "");
  EXPECT_NE(complaint([](Graph& graph) { graph.add_value("x"); }).find("two values are named 'x'"), std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.nodes[0].inputs[0] = 77; }).find("reads no value"), std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.nodes[0].inputs[0] = graph.add_value("loose"); }).find("'loose'"),
            std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.nodes.push_back(graph.nodes[0]); }).find("made already"),
            std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.nodes[0].inputs.push_back(0); }).find("takes 1 to 1 inputs"),
            std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.outputs.clear(); }).find("no outputs"), std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.outputs = {graph.add_value("loose")}; }).find("made by nothing"),
            std::string::npos);
  EXPECT_NE(complaint([](Graph& graph) { graph.inputs.push_back(graph.inputs[0]); }).find("listed twice"),
            std::string::npos);
}

TEST(Graph, VerifyNamesEveryUnknownOperator) {
  Graph graph;
  const auto x = graph.add_input("x", kType);
  graph.outputs = {graph.add_node("Foo", {graph.add_node("Bar", {x}, {}, "b")}, {}, "f")};
  Code code{};
  const auto message = message_of([&] { graph.verify(); }, &code);
  EXPECT_EQ(code, Code::unsupported);
  EXPECT_NE(message.find("'Foo' (node 'f')"), std::string::npos) << message;
  EXPECT_NE(message.find("'Bar' (node 'b')"), std::string::npos) << message;
}

TEST(Graph, ReplaceUsesReachesOutputs) {
  Graph graph;
  const auto x = graph.add_input("x", kType);
  const auto a = graph.add_node("Identity", {x}, {}, "a");
  const auto b = graph.add_node("Relu", {a}, {}, "b");
  graph.outputs = {a, b};
  EXPECT_EQ(graph.users()[static_cast<std::size_t>(a)], (std::vector<int>{1, -1}));
  graph.replace_uses(a, x);
  EXPECT_EQ(graph.outputs, (std::vector<ValueId>{x, b}));
  EXPECT_EQ(graph.producers()[static_cast<std::size_t>(b)], 1);
  graph.compact();
  EXPECT_EQ(names(graph), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace halftone
