#include "graph/count.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "graph/op.h"

namespace halftone {
namespace {

constexpr std::array<std::string_view, 9> kMultiplying{"Conv",          "ConvInteger", "ConvTranspose",
                                                       "FusedConv",     "Gemm",        "MatMul",
                                                       "MatMulInteger", "QLinearConv", "QLinearMatMul"};

bool learned(const Graph& graph, const Node& node, std::size_t input) {
  const ValueId id = node.inputs[input];
  if (id == kNoValue || !graph.value(id).is_constant()) return false;
  const Op* op = find_op(node.op);
  if (op == nullptr) return false;
  if (std::any_of(op->structural.begin(), op->structural.end(), [&](const auto& item) { return item.index == input; }))
    return false;
  if (node.op == "BatchNormalization") return input == 1 || input == 2;
  if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") return input == 0;
  if (node.op == "FusedConv") return input == 1 || input == 2;
  return graph.value(id).type.shape.count() > 1;
}

template <typename See>
void each_learned(const Graph& graph, const Node& node, See see) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (learned(graph, node, i)) see(node.inputs[i]);
}

}  // namespace

double multiply_adds(const Problem& problem) {
  const bool multiplies = std::find(kMultiplying.begin(), kMultiplying.end(), problem.op) != kMultiplying.end();
  return multiplies ? cost(problem).macs : 0;
}

double multiply_adds(const Graph& graph) {
  double sum = 0;
  for (const auto& node : graph.nodes) sum += multiply_adds(problem_of(graph, node));
  return sum;
}

std::int64_t parameters(const Graph& graph, const Node& node) {
  std::int64_t sum = 0;
  each_learned(graph, node, [&](ValueId id) { sum += graph.value(id).type.shape.count(); });
  return sum;
}

std::int64_t parameters(const Graph& graph) {
  std::unordered_set<ValueId> seen;
  std::int64_t sum = 0;
  for (const auto& node : graph.nodes)
    each_learned(graph, node,
                 [&](ValueId id) { sum += seen.insert(id).second ? graph.value(id).type.shape.count() : 0; });
  return sum;
}

}  // namespace halftone
