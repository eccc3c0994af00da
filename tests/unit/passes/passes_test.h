#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/text.h"
#include "passes/pass.h"

/// What tests of passes share: random inputs, evaluation before and after, and counting what is left.
namespace halftone::test {

/// Seeded values in [-1, 1); bytes over their whole range.
inline Tensor random_tensor(const TensorType& type, std::uint64_t seed) {
  const auto text = fmt::format("const c {} random({})\noutput c\n", type.text(), seed);
  const Graph graph = parse_graph(text);
  return graph.value(graph.outputs[0]).constant;
}

inline std::vector<Tensor> random_inputs(const Graph& graph, std::uint64_t seed = 11) {
  std::vector<Tensor> inputs;
  for (const auto id : graph.inputs) inputs.push_back(random_tensor(graph.value(id).type, seed++));
  return inputs;
}

inline int count(const Graph& graph, std::string_view op) {
  return static_cast<int>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) { return n.op == op; }));
}

/// The operators left, in order: "FusedConv MaxPool FusedConv".
inline std::string ops(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes) text += (text.empty() ? "" : " ") + node.op;
  return text;
}

/// Outputs agree within `relative` of the largest element (exactly for 0), or `steps` where they are integers.
inline void expect_close(const std::vector<Tensor>& wanted, const std::vector<Tensor>& got, double relative,
                         double steps = 0) {
  ASSERT_EQ(wanted.size(), got.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(wanted[i].type().text(), got[i].type().text());
    const auto a = wanted[i].to_doubles(), b = got[i].to_doubles();
    double largest = 0, worst = 0;
    for (const double value : a) largest = std::max(largest, std::abs(value));
    for (std::size_t k = 0; k < a.size(); ++k) worst = std::max(worst, a[k] == b[k] ? 0 : std::abs(a[k] - b[k]));
    EXPECT_FALSE(std::isnan(worst));
    EXPECT_LE(worst, is_float(wanted[i].dtype()) ? relative * largest : steps) << "output " << i << " of " << largest;
  }
}

/// Lowers a copy and checks that it computes the same, to within `relative` or `steps`, under the same output names.
inline Graph lowered(const Graph& graph, double relative = 1e-5, const PassContext& context = {},
                     const std::set<std::string>& off = {}, double steps = 0) {
  Graph result = graph;
  lower(result, context, off);
  std::vector<std::string> names, wanted;
  for (const auto id : graph.outputs) wanted.push_back(graph.value(id).name);
  for (const auto id : result.outputs) names.push_back(result.value(id).name);
  EXPECT_EQ(names, wanted);
  const auto inputs = random_inputs(graph);
  expect_close(evaluate(graph, inputs), evaluate(result, inputs), relative, steps);
  return result;
}

inline Graph lowered(std::string_view text, double relative = 1e-5, const PassContext& context = {},
                     const std::set<std::string>& off = {}, double steps = 0) {
  return lowered(parse_graph(text), relative, context, off, steps);
}

}  // namespace halftone::test
