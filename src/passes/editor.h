#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace halftone {

/// A graph while a pass rewrites it: knows producers and users at every moment and types new nodes at once, so that one
/// rewrite can build on another. Nodes are addressed by index, which stays valid; added nodes come last.
class Editor {
 public:
  explicit Editor(Graph& graph);

  Graph& graph;
  int rewrites = 0;

  std::size_t node_count() const { return graph.nodes.size(); }
  Node& node(int index) { return graph.nodes[static_cast<std::size_t>(index)]; }
  bool alive(int index) { return !node(index).op.empty(); }
  /// The index of the node that makes `id`; -1 for inputs, constants and kNoValue.
  int producer(ValueId id) const { return id == kNoValue ? -1 : producers_[static_cast<std::size_t>(id)]; }
  /// The operator that makes `id`, empty where there is none.
  std::string_view producer_op(ValueId id) { return producer(id) < 0 ? std::string_view() : node(producer(id)).op; }
  /// Reading nodes, once per use; -1 for a graph output.
  const std::vector<int>& users(ValueId id) const { return users_[static_cast<std::size_t>(id)]; }
  /// The only reader of `id`, or -1 when there are several, none, or it is a graph output.
  int only_user(ValueId id) const { return users(id).size() == 1 ? users(id).front() : -1; }

  const TensorType& type(ValueId id) const { return graph.value(id).type; }
  const Shape& shape(ValueId id) const { return type(id).shape; }
  /// The constant behind `id`; undefined where there is none.
  const Tensor& constant(ValueId id) const;

  /// Appends a node and infers its outputs' types. `name` is made unique where it is taken.
  ValueId add(std::string op, std::vector<ValueId> inputs, Attributes attributes = {}, std::string_view name = {});
  /// Appends a node that makes existing (typed or not) values, and infers their types.
  int add_making(Node node);
  /// A value for add_making to make.
  ValueId add_untyped(std::string_view name);
  ValueId add_constant(std::string_view name, Tensor tensor);
  /// A value of the same elements with another shape: `id` itself, or a Reshape of it.
  ValueId reshape(ValueId id, const Shape& shape);

  void set_input(int index, std::size_t slot, ValueId id);
  /// Makes every reader of `from`, graph outputs among them, read `to`. A graph output keeps its name.
  void replace(ValueId from, ValueId to);
  bool is_output(ValueId id) const;
  /// Removes a node; its outputs must be read by nobody when the pass ends.
  void remove(int index);
  /// Infers the types of a node's outputs anew after its attributes or inputs were changed in place.
  void retype(int index);

 private:
  std::string fresh_name(std::string_view stem);

  std::vector<int> producers_;
  std::vector<std::vector<int>> users_;
};

/// Whether all inputs that shape the result have become attributes (which the pass `fold` does).
bool is_self_contained(const Node& node);

}  // namespace halftone
