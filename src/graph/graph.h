#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/attributes.h"
#include "graph/problem.h"

namespace halftone {

using ValueId = std::int32_t;
inline constexpr ValueId kNoValue = -1;

/// A tensor that flows: a graph input, a constant, or a node's output.
struct Value {
  std::string name;
  TensorType type;                     ///< dtype none until inferred
  Tensor constant;                     ///< defined for constants
  std::vector<std::string> dim_names;  ///< graph inputs: symbolic extents ("N", "", "", ""), empty where all are fixed
  bool is_constant() const { return constant.defined(); }
};

struct Node {
  std::string op;
  std::string name;
  Attributes attributes;
  std::vector<ValueId> inputs;   ///< kNoValue where an optional input is left out
  std::vector<ValueId> outputs;  ///< kNoValue where an optional output is not wanted
};

/// A DAG of nodes in topological order over typed values. Copying is cheap beside its constants, which are shared.
/// Passes append nodes in any order and call sort(); remove by clearing `op` and call compact().
struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;  ///< constants are not among them
  std::vector<ValueId> outputs;
  std::map<std::string, std::string> metadata;

  Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }

  ValueId add_value(std::string name, TensorType type = {});
  ValueId add_input(std::string name, TensorType type);
  ValueId add_constant(std::string name, Tensor value);
  /// Appends a node with one new output value, whose name is the node's, made unique.
  ValueId add_node(std::string op, std::vector<ValueId> inputs, Attributes attributes = {}, std::string name = {});
  /// A value name not yet taken, beginning with `stem`.
  std::string unique_name(const std::string& stem) const;

  /// Index of the node that makes each value (-1 for inputs and constants).
  std::vector<int> producers() const;
  /// For each value the nodes that read it, a node once per use; graph outputs add an entry of -1.
  std::vector<std::vector<int>> users() const;
  /// Makes every reader of `from` (graph outputs among them) read `to`.
  void replace_uses(ValueId from, ValueId to);

  /// Orders nodes topologically, keeping their order where it is free. Throws invalid_model naming a node on a cycle.
  void sort();
  /// Drops nodes with an empty op, nodes whose outputs nobody reads, and values nobody mentions; renumbers. Graph
  /// inputs stay. Each node's first output becomes a value where it was left out (`_, j = MaxPool(x)`).
  void compact();

  /// Checks structure: ids in range, each value made once, names unique, known operators, counts of inputs and outputs,
  /// topological order, outputs reachable. Throws invalid_model (or unsupported, naming every unknown operator).
  void verify() const;
};

/// Infers every value's type from the inputs' types, following constants through Shape/Gather/Concat chains, and moves
/// structural inputs that are constant into attributes. Throws invalid_model naming the node.
void infer_types(Graph& graph);

/// Sets extent 0 of every graph input that is batched (its first extent is symbolic, or all inputs share a fixed first
/// extent) to `batch`, and infers again. Throws unsupported when the model's batch is fixed and cannot follow.
void set_batch(Graph& graph, std::int64_t batch);

/// Replaces nodes whose outputs are known (by infer_types' constant following) with constants of at most
/// `largest_bytes`, larger ones only when they do not grow. Call infer_types first. `keep_quantised` leaves the
/// DequantizeLinear of 8-bit constants alone, which says how weights were quantised.
void fold_constants(Graph& graph, std::size_t largest_bytes = std::size_t{64} << 20, bool keep_quantised = true);

/// The Problem of a node whose value types are known.
Problem problem_of(const Graph& graph, const Node& node);

/// Runs a graph by the references. `inputs` in the order of graph.inputs, of the types they state.
std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs);

/// As above, calling `see` with every value computed, in order.
std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs,
                             const std::function<void(ValueId, const Tensor&)>& see);

}  // namespace halftone
