#include "passes/editor.h"

#include <algorithm>

#include "graph/op.h"

namespace halftone {

Editor::Editor(Graph& edited) : graph(edited), producers_(edited.producers()), users_(edited.users()) {}

const Tensor& Editor::constant(ValueId id) const {
  static const Tensor none;
  return id == kNoValue ? none : graph.value(id).constant;
}

std::string Editor::fresh_name(std::string_view stem) { return graph.unique_name(std::string(stem)); }

ValueId Editor::add(std::string op, std::vector<ValueId> inputs, Attributes attributes, std::string_view name) {
  const std::string stem(name.empty() ? std::string_view(op) : name);
  Node made{std::move(op), stem, std::move(attributes), std::move(inputs), {}};
  made.outputs.push_back(add_untyped(stem));
  const ValueId output = made.outputs.front();
  add_making(std::move(made));
  return output;
}

ValueId Editor::add_untyped(std::string_view name) {
  producers_.push_back(-1);
  users_.emplace_back();
  return graph.add_value(fresh_name(name));
}

int Editor::add_making(Node made) {
  const int index = static_cast<int>(graph.nodes.size());
  for (const auto id : made.inputs)
    if (id != kNoValue) users_[static_cast<std::size_t>(id)].push_back(index);
  for (const auto id : made.outputs)
    if (id != kNoValue) producers_[static_cast<std::size_t>(id)] = index;
  graph.nodes.push_back(std::move(made));
  retype(index);
  return index;
}

ValueId Editor::add_constant(std::string_view name, Tensor tensor) {
  const ValueId id = graph.add_constant(std::string(name), std::move(tensor));
  producers_.push_back(-1);
  users_.emplace_back();
  return id;
}

ValueId Editor::reshape(ValueId id, const Shape& wanted) {
  if (shape(id) == wanted) return id;
  Attributes attributes;
  attributes.set("shape", wanted.dims());
  if (std::find(wanted.begin(), wanted.end(), 0) != wanted.end()) attributes.set("allowzero", std::int64_t{1});
  return add("Reshape", {id}, std::move(attributes), graph.value(id).name + "_reshaped");
}

void Editor::set_input(int index, std::size_t slot, ValueId id) {
  auto& inputs = node(index).inputs;
  if (slot >= inputs.size()) inputs.resize(slot + 1, kNoValue);
  if (inputs[slot] != kNoValue) {
    auto& old = users_[static_cast<std::size_t>(inputs[slot])];
    old.erase(std::find(old.begin(), old.end(), index));
  }
  inputs[slot] = id;
  if (id != kNoValue) users_[static_cast<std::size_t>(id)].push_back(index);
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
}

void Editor::replace(ValueId from, ValueId to) {
  if (from == to) return;
  if (is_output(from)) {
    // Outputs keep their names: the new value takes the old one's.
    const bool has_own_name = is_output(to) || producer(to) < 0;
    if (has_own_name) to = add("Identity", {to}, {}, graph.value(from).name);
    std::swap(graph.value(from).name, graph.value(to).name);
  }
  auto readers = std::move(users_[static_cast<std::size_t>(from)]);
  users_[static_cast<std::size_t>(from)].clear();
  for (const int index : readers) {
    auto& list = index < 0 ? graph.outputs : node(index).inputs;
    std::replace(list.begin(), list.end(), from, to);
    users_[static_cast<std::size_t>(to)].push_back(index);
  }
}

bool Editor::is_output(ValueId id) const {
  return std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
}

void Editor::remove(int index) {
  for (const auto id : node(index).inputs) {
    if (id == kNoValue) continue;
    auto& readers = users_[static_cast<std::size_t>(id)];
    readers.erase(std::find(readers.begin(), readers.end(), index));
  }
  for (const auto id : node(index).outputs)
    if (id != kNoValue && producer(id) == index) producers_[static_cast<std::size_t>(id)] = -1;
  node(index) = {};
}

void Editor::retype(int index) {
  const Node& changed = node(index);
  const Op* op = find_op(changed.op);
  ASSERT(op != nullptr);
  std::vector<TensorType> types;
  for (const auto id : changed.inputs) types.push_back(id == kNoValue ? TensorType{} : type(id));
  const auto outputs = infer_outputs(*op, changed.attributes, types, changed.outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (changed.outputs[i] != kNoValue) graph.value(changed.outputs[i]).type = outputs[i];
}

bool is_self_contained(const Node& node) {
  const Op* op = find_op(node.op);
  if (op == nullptr || op->structural.empty()) return op != nullptr;
  for (const auto& input : op->structural)
    if (input.index < node.inputs.size() && node.inputs[input.index] != kNoValue) return false;
  return true;
}

}  // namespace halftone
