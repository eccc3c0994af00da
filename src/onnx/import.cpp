#include "onnx/import.h"

#include <algorithm>
#include <cmath>

#include "onnx/tensor.h"

namespace halftone {
namespace {

std::string node_name(const onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  for (const auto& output : node.output())
    if (!output.empty()) return output;
  return node.op_type();
}

/// The name an operator is known by: ONNX's own without a domain.
std::string qualified_op(const onnx::NodeProto& node) {
  if (node.domain().empty() || node.domain() == "ai.onnx") return node.op_type();
  return node.domain() + "." + node.op_type();
}

}  // namespace

std::string describe(const onnx::NodeProto& node) {
  return fmt::format("node '{}' ({})", node_name(node), qualified_op(node));
}

std::string describe_not_finite(const Tensor& tensor, const std::string& what) {
  if (!is_float(tensor.dtype())) return {};
  std::size_t nan = 0;
  std::size_t infinite = 0;
  visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (const T element : tensor.data<T>()) {
      if constexpr (std::is_floating_point_v<T>) {
        nan += element != element;
        infinite += std::abs(element) > std::numeric_limits<T>::max();
      } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
        const auto value = static_cast<float>(element);
        nan += value != value;
        infinite += std::abs(value) > std::numeric_limits<float>::max();
      }
    }
  });
  if (nan == 0 && (infinite == 0 || tensor.count() == 1)) return {};
  return fmt::format("{} holds {} NaN and {} infinite values among {}", what, nan, infinite, tensor.count());
}

ValueId Importer::add(const std::string& name, const std::string& origin) {
  const auto [place, fresh] = ids_.emplace(name, static_cast<ValueId>(graph_.values.size()));
  if (!fresh) fail(Code::invalid_model, "the name '{}' is given twice: to {} and to {}", name, origins_[name], origin);
  origins_.emplace(name, origin);
  return graph_.add_value(name);
}

void Importer::add_constant(const std::string& name, Tensor tensor, const std::string& what,
                            const std::string& origin) {
  if (auto warning = describe_not_finite(tensor, what); !warning.empty()) model_.warnings.push_back(std::move(warning));
  const ValueId id = add(name, origin);
  graph_.value(id).type = tensor.type();
  graph_.value(id).constant = std::move(tensor);
}

void Importer::read_initializers() {
  if (proto_.sparse_initializer_size() != 0)
    fail(Code::unsupported, "initializer '{}' is sparse", proto_.sparse_initializer(0).values().name());
  for (auto& initializer : *proto_.mutable_initializer()) {
    const auto what = fmt::format("initializer '{}'", initializer.name());
    if (initializer.name().empty()) fail(Code::invalid_model, "an initializer has no name");
    add_constant(initializer.name(), tensor_from_proto(initializer, external_, what), what, "an initializer");
    initializer.clear_raw_data();
  }
}

void Importer::read_inputs() {
  for (const auto& input : proto_.input()) {
    const auto what = fmt::format("input '{}'", input.name());
    const auto known = ids_.find(input.name());
    if (known != ids_.end() && graph_.value(known->second).is_constant())
      continue;  // IR 3 lists initializers as inputs
    if (!input.type().has_tensor_type()) fail(Code::unsupported, "{} is not a tensor", what);
    const auto& tensor = input.type().tensor_type();
    if (!tensor.has_shape()) fail(Code::unsupported, "{} has no shape", what);
    if (tensor.shape().dim_size() > kLargestRank)
      fail(Code::invalid_model, "{} has {} dimensions, {} at most are supported", what, tensor.shape().dim_size(),
           kLargestRank);
    TensorType type{require_dtype(tensor.elem_type(), what), {}};
    std::vector<std::string> names;
    for (int axis = 0; axis < tensor.shape().dim_size(); ++axis) {
      const auto& dim = tensor.shape().dim(axis);
      const bool fixed = dim.has_dim_value();
      if (fixed && dim.dim_value() < 0) fail(Code::invalid_model, "{} has the extent {}", what, dim.dim_value());
      type.shape.push_back(fixed ? dim.dim_value() : 1);
      const std::string unnamed = axis == 0 ? "N" : fmt::format("d{}", axis);
      names.push_back(fixed ? "" : dim.dim_param().empty() ? unnamed : dim.dim_param());
    }
    try {
      (void)type.shape.count();
    } catch (Error& error) {
      error.add_context(what);
      throw;
    }
    const ValueId id = add(input.name(), "a graph input");
    graph_.value(id).type = std::move(type);
    if (std::any_of(names.begin(), names.end(), [](const auto& dim) { return !dim.empty(); }))
      graph_.value(id).dim_names = std::move(names);
    graph_.inputs.push_back(id);
  }
}

void Importer::declare_outputs(const onnx::NodeProto& node, Node& into) {
  for (const auto& output : node.output())
    into.outputs.push_back(output.empty() ? kNoValue : add(output, describe(node)));
  while (!into.outputs.empty() && into.outputs.back() == kNoValue) into.outputs.pop_back();
  if (into.outputs.empty()) fail(Code::invalid_model, "{} has no outputs", describe(node));
}

void Importer::read_constant(const onnx::NodeProto& node) {
  const auto what = describe(node);
  if (node.output_size() != 1 || node.attribute_size() != 1 || node.output(0).empty())
    fail(Code::invalid_model, "{} needs one output and one attribute", what);
  const auto& attribute = node.attribute(0);
  Attribute value = read_attribute(attribute, external_, what);
  Tensor tensor;
  if (auto* given = std::get_if<Tensor>(&value)) {
    tensor = std::move(*given);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    tensor = Tensor::scalar(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    tensor = Tensor::scalar(static_cast<float>(*real));
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
    tensor = Tensor::from(Shape{static_cast<std::int64_t>(integers->size())}, std::span<const std::int64_t>(*integers));
  } else if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    const std::vector<float> floats(reals->begin(), reals->end());
    tensor = Tensor::from(Shape{static_cast<std::int64_t>(floats.size())}, std::span<const float>(floats));
  } else {
    fail(Code::unsupported, "{}: a constant of strings", what);
  }
  add_constant(node.output(0), std::move(tensor), what, what);
}

ValueId Importer::find(const std::string& name, std::string_view reader) const {
  if (name.empty()) return kNoValue;
  const auto found = ids_.find(name);
  if (found == ids_.end()) fail(Code::invalid_model, "{} reads '{}', which nothing makes", reader, name);
  return found->second;
}

void Importer::read_node(const onnx::NodeProto& proto, Node& node) {
  const auto what = describe(proto);
  node.op = qualified_op(proto);
  node.name = node_name(proto);
  for (const auto& input : proto.input()) node.inputs.push_back(find(input, what));
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  for (const auto& attribute : proto.attribute()) {
    if (node.attributes.has(attribute.name()))
      fail(Code::invalid_model, "{} has the attribute '{}' twice", what, attribute.name());
    node.attributes.set(attribute.name(), read_attribute(attribute, external_, what));
  }
}

void Importer::read_outputs() {
  for (const auto& output : proto_.output()) {
    const auto id = find(output.name(), "the graph's list of outputs");
    if (id == kNoValue) fail(Code::invalid_model, "a graph output has no name");
    graph_.outputs.push_back(id);
  }
  if (graph_.outputs.empty()) fail(Code::invalid_model, "the graph has no outputs");
}

void Importer::run() {
  graph_.name = proto_.name();
  read_initializers();
  read_inputs();
  std::vector<const onnx::NodeProto*> readers;
  for (const auto& node : proto_.node()) {
    if (node.op_type().empty()) fail(Code::invalid_model, "node '{}' has no operator", node_name(node));
    if (qualified_op(node) == "Constant") {
      read_constant(node);
      continue;
    }
    graph_.nodes.emplace_back();
    declare_outputs(node, graph_.nodes.back());
    readers.push_back(&node);
  }
  for (std::size_t i = 0; i < readers.size(); ++i) read_node(*readers[i], graph_.nodes[i]);
  read_outputs();
}

}  // namespace halftone
