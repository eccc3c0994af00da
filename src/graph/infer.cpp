#include <algorithm>

#include "graph/graph.h"
#include "graph/op.h"

namespace halftone {
namespace {

constexpr std::int64_t kLargestFollowed = 4096;  // elements; Shape/Gather chains are tiny, weights need no following

/// Moves the structural inputs of `node` whose values are known into its attributes. Those read from a constant stay
/// for good; those that came from a shape computation are redone at every inference, as the inputs stay in place.
Attributes absorb(const Graph& graph, const Node& node, const Op& op, std::span<const Tensor> known) {
  Attributes attributes = node.attributes;
  for (const auto& structural : op.structural) {
    if (structural.index >= node.inputs.size() || node.inputs[structural.index] == kNoValue) continue;
    const ValueId id = node.inputs[structural.index];
    const Tensor& tensor = known[static_cast<std::size_t>(id)];
    if (!tensor.defined())
      fail(Code::unsupported, "node '{}': input '{}' ({}) of {} must be constant", node.name, graph.value(id).name,
           structural.name, node.op);
    if (auto value = attribute_of(structural, tensor)) attributes.set(structural.name, std::move(*value));
  }
  return attributes;
}

/// A tensor that has a type and no elements behind it, for operators that read only the type.
Tensor type_only(const TensorType& type) {
  class Nothing final : public Buffer {
   public:
    explicit Nothing(std::size_t bytes) : Buffer(nullptr, bytes, true) {}
  };
  return {type, std::make_shared<Nothing>(type.bytes())};
}

std::vector<Tensor> follow(Graph& graph, bool fold, std::size_t largest_bytes, bool keep_quantised = true) {
  std::vector<Tensor> known(graph.values.size());
  for (std::size_t i = 0; i < graph.values.size(); ++i) known[i] = graph.values[i].constant;
  for (auto& node : graph.nodes) {
    const Op* op = find_op(node.op);
    if (!op) fail(Code::unsupported, "unsupported operator '{}' (node '{}')", node.op, node.name);
    try {
      const Attributes attributes = absorb(graph, node, *op, known);
      std::vector<TensorType> types;
      std::vector<Tensor> inputs;
      const std::size_t data_inputs =
          op->structural.empty() ? node.inputs.size() : std::min(node.inputs.size(), op->structural.front().index);
      bool all_known = true;
      for (std::size_t i = 0; i < data_inputs; ++i) {
        const ValueId id = node.inputs[i];
        types.push_back(id == kNoValue ? TensorType{} : graph.value(id).type);
        inputs.push_back(id == kNoValue ? Tensor() : known[static_cast<std::size_t>(id)]);
        all_known = all_known && (id == kNoValue || inputs.back().defined());
      }
      const auto outputs = infer_outputs(*op, attributes, types, node.outputs.size());
      for (std::size_t i = 0; i < outputs.size(); ++i)
        if (node.outputs[i] != kNoValue) graph.value(node.outputs[i]).type = outputs[i];

      const bool is_shape = node.op == "Shape" || node.op == "Size";
      std::int64_t elements = 0;
      std::size_t bytes = 0;
      std::size_t input_bytes = 0;
      for (const auto& type : outputs) elements += type.known() ? type.shape.count() : 0;
      for (const auto& type : outputs) bytes += type.known() ? type.bytes() : 0;
      for (const auto& tensor : inputs) input_bytes += tensor.defined() ? tensor.bytes() : 0;
      const bool small = elements <= kLargestFollowed;
      const bool kept = keep_quantised && node.op == "DequantizeLinear" && size_of(types[0].dtype) == 1;
      const bool foldable = fold && (bytes <= largest_bytes || bytes <= input_bytes);
      if (is_shape || (all_known && !kept && (small || foldable) && (op->reference || op->expand))) {
        Problem problem{node.op, attributes, {}, outputs};
        for (const auto& type : types) problem.inputs.push_back({type, true});
        // Shape and Size read only the type; an uninitialised tensor of it would cost memory, a lazy one does not.
        if (is_shape) inputs.assign(1, type_only(types[0]));
        const auto values = evaluate(problem, inputs);
        for (std::size_t i = 0; i < values.size(); ++i)
          if (node.outputs[i] != kNoValue) known[static_cast<std::size_t>(node.outputs[i])] = values[i];
      }
      if (fold) {
        node.attributes = attributes;
        node.inputs.resize(data_inputs);
      }
    } catch (Error& error) {
      const std::string_view what = error.what();
      if (!what.starts_with("node '")) error.add_context(fmt::format("node '{}' ({})", node.name, node.op));
      throw;
    }
  }
  return known;
}

}  // namespace

void infer_types(Graph& graph) { (void)follow(graph, false, 0); }

void fold_constants(Graph& graph, std::size_t largest_bytes, bool keep_quantised) {
  auto known = follow(graph, true, largest_bytes, keep_quantised);
  for (auto& node : graph.nodes) {
    const bool all = std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
      return id == kNoValue || known[static_cast<std::size_t>(id)].defined();
    });
    if (!all) continue;
    for (const auto id : node.outputs)
      if (id != kNoValue) graph.value(id).constant = known[static_cast<std::size_t>(id)];
    node.op.clear();
  }
  std::erase_if(graph.nodes, [](const Node& node) { return node.op.empty(); });
  graph.compact();
}

void set_batch(Graph& graph, std::int64_t batch) {
  if (batch < 1) fail(Code::invalid_argument, "batch {}: at least 1", batch);
  bool symbolic = false;
  for (const auto id : graph.inputs)
    symbolic |= !graph.value(id).dim_names.empty() && !graph.value(id).dim_names[0].empty();
  bool fixed_batch = false;
  for (const auto id : graph.inputs) {
    auto& input = graph.value(id);
    if (input.type.shape.rank() == 0) continue;
    if (symbolic && (input.dim_names.empty() || input.dim_names[0].empty())) continue;
    fixed_batch |= !symbolic && input.type.shape[0] != batch;
    input.type.shape[0] = batch;
  }
  try {
    infer_types(graph);
    for (const auto id : graph.outputs) {
      const auto& shape = graph.value(id).type.shape;
      if (fixed_batch && (shape.rank() == 0 || shape[0] != batch))
        fail(Code::unsupported, "output '{}' is {}", graph.value(id).name, shape.text());
    }
  } catch (Error& error) {
    if (!fixed_batch) throw;
    throw Error(Code::unsupported,
                fmt::format("the model's batch size is fixed and cannot become {}: {}", batch, error.what()));
  }
}

}  // namespace halftone
