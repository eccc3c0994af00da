#include "graph/graph.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graph/op.h"

namespace halftone {

ValueId Graph::add_value(std::string value_name, TensorType type) {
  values.push_back({std::move(value_name), std::move(type), {}, {}});
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_input(std::string value_name, TensorType type) {
  inputs.push_back(add_value(std::move(value_name), std::move(type)));
  return inputs.back();
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  const ValueId id = add_value(unique_name(value_name), tensor.type());
  value(id).constant = std::move(tensor);
  return id;
}

ValueId Graph::add_node(std::string op, std::vector<ValueId> node_inputs, Attributes attributes,
                        std::string node_name) {
  if (node_name.empty()) node_name = op;
  const ValueId output = add_value(unique_name(node_name));
  nodes.push_back({std::move(op), std::move(node_name), std::move(attributes), std::move(node_inputs), {output}});
  return output;
}

std::string Graph::unique_name(const std::string& stem) const {
  const auto taken = [&](const std::string& candidate) {
    return std::any_of(values.begin(), values.end(), [&](const Value& item) { return item.name == candidate; });
  };
  if (!taken(stem)) return stem;
  for (std::size_t i = values.size();; ++i) {
    const auto candidate = fmt::format("{}_{}", stem, i);
    if (!taken(candidate)) return candidate;
  }
}

std::vector<int> Graph::producers() const {
  std::vector<int> result(values.size(), -1);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const auto id : nodes[i].outputs)
      if (id != kNoValue) result[static_cast<std::size_t>(id)] = static_cast<int>(i);
  return result;
}

std::vector<std::vector<int>> Graph::users() const {
  std::vector<std::vector<int>> result(values.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const auto id : nodes[i].inputs)
      if (id != kNoValue) result[static_cast<std::size_t>(id)].push_back(static_cast<int>(i));
  for (const auto id : outputs) result[static_cast<std::size_t>(id)].push_back(-1);
  return result;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  for (auto& node : nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(outputs.begin(), outputs.end(), from, to);
}

void Graph::sort() {
  const auto maker = producers();
  std::vector<char> state(nodes.size(), 0);  // 0 new, 1 on the path, 2 done
  std::vector<Node> ordered;
  ordered.reserve(nodes.size());
  std::vector<std::pair<std::size_t, std::size_t>> path;  // node, next input
  for (std::size_t start = 0; start < nodes.size(); ++start) {
    if (state[start]) continue;
    path.emplace_back(start, 0);
    state[start] = 1;
    while (!path.empty()) {
      auto& [index, next] = path.back();
      if (next == nodes[index].inputs.size()) {
        state[index] = 2;
        ordered.push_back(nodes[index]);
        path.pop_back();
        continue;
      }
      const auto id = nodes[index].inputs[next++];
      const int before = id == kNoValue ? -1 : maker[static_cast<std::size_t>(id)];
      if (before < 0) continue;
      const auto other = static_cast<std::size_t>(before);
      if (state[other] == 1) fail(Code::invalid_model, "the graph has a cycle through node '{}'", nodes[other].name);
      if (state[other] == 0) {
        state[other] = 1;
        path.emplace_back(other, 0);
      }
    }
  }
  nodes = std::move(ordered);
}

void Graph::compact() {
  std::vector<char> wanted(values.size(), 0);
  for (const auto id : outputs) wanted[static_cast<std::size_t>(id)] = 1;
  std::vector<char> keep(nodes.size(), 0);
  for (bool changed = true; changed;) {  // one sweep from the end suffices when the nodes are in order
    changed = false;
    for (std::size_t i = nodes.size(); i-- > 0;) {
      if (keep[i] || nodes[i].op.empty()) continue;
      const auto& made = nodes[i].outputs;
      if (std::none_of(made.begin(), made.end(),
                       [&](ValueId id) { return id != kNoValue && wanted[static_cast<std::size_t>(id)]; }))
        continue;
      keep[i] = 1;
      changed = true;
      for (const auto id : nodes[i].inputs)
        if (id != kNoValue) wanted[static_cast<std::size_t>(id)] = 1;
    }
  }
  for (const auto id : inputs) wanted[static_cast<std::size_t>(id)] = 1;
  std::vector<Node> kept;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (keep[i]) kept.push_back(std::move(nodes[i]));
  nodes = std::move(kept);
  for (auto& node : nodes) {
    if (node.outputs.front() == kNoValue) {  // kernels look at the first output's type, wanted or not
      node.outputs.front() = add_value(unique_name(node.name));
      wanted.push_back(0);
    }
    for (auto& id : node.outputs)
      if (id != kNoValue && !wanted[static_cast<std::size_t>(id)] && &id != &node.outputs.front()) id = kNoValue;
    if (node.outputs.front() != kNoValue) wanted[static_cast<std::size_t>(node.outputs.front())] = 1;
    const Op* op = find_op(node.op);
    const bool fixed_outputs = op && op->max_outputs == Op::kAnyNumber;  // Split: the count of outputs carries meaning
    while (!fixed_outputs && node.outputs.size() > 1 && node.outputs.back() == kNoValue) node.outputs.pop_back();
  }
  std::vector<ValueId> renumbered(values.size(), kNoValue);
  std::vector<Value> left;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!wanted[i]) continue;
    renumbered[i] = static_cast<ValueId>(left.size());
    left.push_back(std::move(values[i]));
  }
  values = std::move(left);
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (auto& id : ids)
      if (id != kNoValue) id = renumbered[static_cast<std::size_t>(id)];
  };
  for (auto& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  renumber(inputs);
  renumber(outputs);
}

void Graph::verify() const {
  std::set<std::string> unknown;
  for (const auto& node : nodes)
    if (!find_op(node.op)) unknown.insert(fmt::format("'{}' (node '{}')", node.op, node.name));
  if (!unknown.empty()) fail(Code::unsupported, "unsupported operators: {}", fmt::join(unknown, ", "));

  std::unordered_set<std::string_view> names;
  for (const auto& item : values)
    if (!names.insert(item.name).second) fail(Code::invalid_model, "two values are named '{}'", item.name);

  std::vector<char> made(values.size(), 0);
  const auto in_range = [&](ValueId id) { return id >= 0 && static_cast<std::size_t>(id) < values.size(); };
  for (std::size_t i = 0; i < values.size(); ++i) made[i] = values[i].is_constant();
  for (const auto id : inputs) {
    if (!in_range(id)) fail(Code::invalid_model, "a graph input is no value");
    if (made[static_cast<std::size_t>(id)]) fail(Code::invalid_model, "input '{}' is listed twice", value(id).name);
    made[static_cast<std::size_t>(id)] = 1;
  }
  for (const auto& node : nodes) {
    const Op& op = *find_op(node.op);
    const auto count = node.inputs.size();
    const auto least = op.structural.empty() ? op.min_inputs : std::min(op.min_inputs, op.structural.front().index);
    if (count < least || count > op.max_inputs)
      fail(Code::invalid_model, "node '{}': {} takes {} to {} inputs, not {}", node.name, node.op, least, op.max_inputs,
           count);
    if (node.outputs.empty() || node.outputs.size() > op.max_outputs)
      fail(Code::invalid_model, "node '{}': {} has 1 to {} outputs, not {}", node.name, node.op, op.max_outputs,
           node.outputs.size());
    for (const auto id : node.inputs) {
      if (id == kNoValue) continue;
      if (!in_range(id)) fail(Code::invalid_model, "node '{}' reads no value", node.name);
      if (!made[static_cast<std::size_t>(id)])
        fail(Code::invalid_model, "node '{}' reads '{}', which nothing before it makes", node.name, value(id).name);
    }
    for (const auto id : node.outputs) {
      if (id == kNoValue) continue;
      if (!in_range(id)) fail(Code::invalid_model, "node '{}' makes no value", node.name);
      if (made[static_cast<std::size_t>(id)])
        fail(Code::invalid_model, "node '{}' makes '{}', which is made already", node.name, value(id).name);
      made[static_cast<std::size_t>(id)] = 1;
    }
  }
  if (outputs.empty()) fail(Code::invalid_model, "the graph has no outputs");
  for (const auto id : outputs) {
    if (!in_range(id)) fail(Code::invalid_model, "a graph output is no value");
    if (!made[static_cast<std::size_t>(id)])
      fail(Code::invalid_model, "graph output '{}' is made by nothing", value(id).name);
  }
}

Problem problem_of(const Graph& graph, const Node& node) {
  Problem problem;
  problem.op = node.op;
  problem.attributes = node.attributes;
  for (const auto id : node.inputs) {
    if (id == kNoValue) problem.inputs.emplace_back();
    else problem.inputs.push_back({graph.value(id).type, graph.value(id).is_constant()});
  }
  for (const auto id : node.outputs) problem.outputs.push_back(id == kNoValue ? TensorType{} : graph.value(id).type);
  return problem;
}

}  // namespace halftone
