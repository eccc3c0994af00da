#include "onnx/writer.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "base/file.h"
#include "graph/op.h"
#include "graph/symbolic.h"
#include "onnx/downgrade.h"
#include "onnx/proto.h"
#include "onnx/tensor.h"

namespace halftone {
namespace {

constexpr int kWrittenIr = 8;

void write_attribute(const std::string& name, const Attribute& value, onnx::AttributeProto& proto) {
  using Proto = onnx::AttributeProto;
  proto.set_name(name);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    proto.set_type(Proto::INT);
    proto.set_i(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    proto.set_type(Proto::FLOAT);
    proto.set_f(static_cast<float>(*real));
  } else if (const auto* word = std::get_if<std::string>(&value)) {
    proto.set_type(Proto::STRING);
    proto.set_s(*word);
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
    proto.set_type(Proto::INTS);
    for (const auto item : *integers) proto.add_ints(item);
  } else if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    proto.set_type(Proto::FLOATS);
    for (const auto item : *reals) proto.add_floats(static_cast<float>(item));
  } else {
    proto.set_type(Proto::TENSOR);
    tensor_to_proto(std::get<Tensor>(value), "", *proto.mutable_t());
  }
}

void declare(const Value& value, const std::vector<std::string>& dim_names, onnx::ValueInfoProto& proto) {
  proto.set_name(value.name);
  auto& type = *proto.mutable_type()->mutable_tensor_type();
  type.set_elem_type(code_of(value.type.dtype));
  auto& shape = *type.mutable_shape();
  for (std::size_t axis = 0; axis < value.type.shape.rank(); ++axis) {
    auto& dim = *shape.add_dim();
    if (dim_names.empty() || dim_names[axis].empty()) dim.set_dim_value(value.type.shape[axis]);
    else if (dim_names[axis] != "?") dim.set_dim_param(dim_names[axis]);
  }
}

class Exporter {
 public:
  Exporter(const Graph& graph, int opset, onnx::GraphProto& proto) : graph_(graph), opset_(opset), proto_(proto) {
    for (const auto& value : graph.values) names_.insert(value.name);
  }

  void run() {
    proto_.set_name(graph_.name.empty() ? "graph" : graph_.name);
    for (const auto& node : graph_.nodes) write_node(node);
    for (std::size_t i = 0; i < graph_.values.size(); ++i)
      if (used_.contains(static_cast<ValueId>(i)))
        tensor_to_proto(graph_.values[i].constant, graph_.values[i].name, *proto_.add_initializer());
    for (const auto id : graph_.outputs)
      if (graph_.value(id).is_constant() && !used_.contains(id))
        tensor_to_proto(graph_.value(id).constant, graph_.value(id).name, *proto_.add_initializer());
    for (const auto id : graph_.inputs) declare(graph_.value(id), graph_.value(id).dim_names, *proto_.add_input());
    const auto dim_names = output_dim_names(graph_);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      declare(graph_.value(graph_.outputs[i]), dim_names[i], *proto_.add_output());
  }

 private:
  std::string read(ValueId id) {
    if (id == kNoValue) return "";
    if (graph_.value(id).is_constant()) used_.insert(id);
    return graph_.value(id).name;
  }

  std::string add_initializer(const std::string& stem, const Tensor& tensor) {
    std::string name = stem;
    for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", stem, i);
    tensor_to_proto(tensor, name, *proto_.add_initializer());
    return name;
  }

  void write_node(const Node& node) {
    const Op* op = find_op(node.op);
    ASSERT(op != nullptr && !op->internal);
    Attributes attributes = attributes_at(graph_, node, opset_);
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto row =
          std::find_if(op->structural.begin(), op->structural.end(), [&](const auto& item) { return item.index == i; });
      const bool turned =
          row != op->structural.end() && node.inputs[i] != kNoValue && is_attribute_at(node.op, row->name, opset_);
      if (turned) attributes.set(row->name, graph_.value(node.inputs[i]).constant.to_ints());
      inputs.push_back(turned ? "" : read(node.inputs[i]));
    }
    for (const auto& [index, name, typed] : op->structural) {
      const Attribute* value = node.attributes.find(name);
      Attribute extents;
      if (node.op == "Split" && !value && node.attributes.has("num_outputs")) {
        extents = split_extents(node);
        value = &extents;
      }
      const bool given = index < inputs.size() && !inputs[index].empty();
      if (!value || given || is_attribute_at(node.op, name, opset_)) continue;
      const Tensor tensor = structural_tensor(graph_, node, name, *value);
      if (!tensor.defined()) continue;
      if (inputs.size() <= index) inputs.resize(index + 1);
      inputs[index] = add_initializer(fmt::format("{}_{}", node.name, name), tensor);
    }
    while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();

    auto& proto = *proto_.add_node();
    proto.set_name(node.name);
    proto.set_op_type(node.op);
    for (auto& input : inputs) proto.add_input(std::move(input));
    for (const auto id : node.outputs) proto.add_output(id == kNoValue ? "" : graph_.value(id).name);
    for (const auto& [name, value] : attributes.entries()) write_attribute(name, value, *proto.add_attribute());
  }

  /// The parts of a Split that says only how many there are, which opset 17 cannot.
  std::vector<std::int64_t> split_extents(const Node& node) const {
    const auto& in = graph_.value(node.inputs.front()).type.shape;
    const auto axis = normalize_axis(node.attributes.get_int("axis", 0), in.rank());
    const auto parts = static_cast<std::int64_t>(node.outputs.size());
    const std::int64_t extent = (in[axis] + parts - 1) / parts;
    std::vector<std::int64_t> extents;
    for (std::int64_t i = 0; i < parts; ++i)
      extents.push_back(std::clamp(in[axis] - i * extent, std::int64_t{0}, extent));
    return extents;
  }

  const Graph& graph_;
  int opset_;
  onnx::GraphProto& proto_;
  std::unordered_set<std::string> names_;
  std::unordered_set<ValueId> used_;
};

}  // namespace

std::string serialize_onnx(const Graph& graph) {
  int opset = kWrittenOpset;
  for (const auto& node : graph.nodes) opset = std::max(opset, needed_opset(graph, node));
  std::size_t bytes = 0;
  for (const auto& value : graph.values) bytes += value.is_constant() ? value.constant.bytes() : 0;
  constexpr std::size_t kLargest = std::numeric_limits<int>::max();
  if (bytes > kLargest) fail(Code::unsupported, "{} bytes of weights, over protobuf's limit of 2 GiB a file", bytes);

  onnx::ModelProto proto;
  proto.set_ir_version(kWrittenIr);
  proto.set_producer_name("halftone");
  proto.set_producer_version("0.1.0");
  proto.add_opset_import()->set_version(opset);
  for (const auto& [key, value] : graph.metadata) {
    auto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  Exporter(graph, opset, *proto.mutable_graph()).run();
  std::string result;
  if (proto.ByteSizeLong() > kLargest || !proto.SerializeToString(&result))
    fail(Code::unsupported, "the model passes protobuf's limit of 2 GiB a file");
  return result;
}

void write_onnx(const Graph& graph, const std::filesystem::path& path) { write_file(path, serialize_onnx(graph)); }

}  // namespace halftone
