#include "graph/graph.h"
#include "graph/op.h"

namespace halftone {

std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs) {
  return evaluate(graph, inputs, [](ValueId, const Tensor&) {});
}

std::vector<Tensor> evaluate(const Graph& source, std::span<const Tensor> inputs,
                             const std::function<void(ValueId, const Tensor&)>& see) {
  if (inputs.size() != source.inputs.size())
    fail(Code::invalid_argument, "the graph has {} inputs, {} given", source.inputs.size(), inputs.size());
  Graph graph = source;
  for (std::size_t i = 0; i < inputs.size(); ++i) graph.value(graph.inputs[i]).type = inputs[i].type();
  infer_types(graph);
  std::vector<Tensor> values(graph.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = graph.values[i].constant;
  for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(graph.inputs[i])] = inputs[i];
  for (const auto& node : graph.nodes) {
    const Op& op = *find_op(node.op);
    Problem problem = problem_of(graph, node);
    std::vector<Tensor> arguments;
    const auto data_inputs =
        op.structural.empty() ? node.inputs.size() : std::min(node.inputs.size(), op.structural[0].index);
    for (std::size_t i = 0; i < data_inputs; ++i)
      arguments.push_back(node.inputs[i] == kNoValue ? Tensor() : values[static_cast<std::size_t>(node.inputs[i])]);
    for (const auto& structural : op.structural) {
      if (structural.index >= node.inputs.size() || node.inputs[structural.index] == kNoValue) continue;
      const Tensor& tensor = values[static_cast<std::size_t>(node.inputs[structural.index])];
      if (auto value = attribute_of(structural, tensor)) problem.attributes.set(structural.name, std::move(*value));
    }
    problem.inputs.resize(data_inputs);
    const auto results = evaluate(problem, arguments);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      values[static_cast<std::size_t>(node.outputs[i])] = results[i];
      see(node.outputs[i], results[i]);
    }
  }
  std::vector<Tensor> results;
  for (const auto id : graph.outputs) results.push_back(values[static_cast<std::size_t>(id)]);
  return results;
}

}  // namespace halftone
