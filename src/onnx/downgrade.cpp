#include "onnx/downgrade.h"

#include <algorithm>
#include <array>

#include "graph/op.h"
#include "onnx/proto.h"

namespace halftone {
namespace {

template <typename List>
bool among(std::string_view name, const List& list) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool is_reduce(std::string_view op) { return op.starts_with("Reduce"); }

DType dtype_of_input(const Graph& graph, const Node& node, std::size_t input) {
  if (input >= node.inputs.size() || node.inputs[input] == kNoValue) return DType::none;
  return graph.value(node.inputs[input]).type.dtype;
}

bool zero(const Attribute& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number && *number == 0;
}

struct NewOperator {
  std::string_view op;
  int since;
};

constexpr NewOperator kNewOperators[] = {
    {"BitwiseAnd", 18},         {"BitwiseNot", 18},    {"BitwiseOr", 18},
    {"BitwiseXor", 18},         {"CenterCropPad", 18}, {"Gelu", 20},
    {"GroupNormalization", 21}, {"Mish", 18},          {"RMSNormalization", 23},
    {"RotaryEmbedding", 23},    {"Attention", 23},
};

/// An attribute that came with an opset; `harmless` tells the values that mean what its absence meant before.
struct NewAttribute {
  std::string_view op;
  std::string_view name;
  int since;
  bool (*harmless)(const Graph&, const Node&, const Attribute&);
};

constexpr auto kAnything = [](const Graph&, const Node&, const Attribute&) { return true; };
constexpr auto kNothing = [](const Graph&, const Node&, const Attribute&) { return false; };
constexpr auto kZero = [](const Graph&, const Node&, const Attribute& value) { return zero(value); };
constexpr auto kOnes = [](const Graph&, const Node& node, const Attribute&) {
  const auto list = node.attributes.get_ints("dilations");
  return std::all_of(list.begin(), list.end(), [](auto item) { return item == 1; });
};
constexpr auto kHasZeroPoint = [](const Graph& graph, const Node& node, const Attribute& value) {
  return zero(value) || dtype_of_input(graph, node, 2) != DType::none;
};
constexpr auto kStretch = [](const Graph&, const Node& node, const Attribute&) {
  return node.attributes.get_string("keep_aspect_ratio_policy", "") == "stretch";
};

constexpr NewAttribute kNewAttributes[] = {
    {"AveragePool", "dilations", 19, kOnes},
    {"Cast", "saturate", 19, kAnything},  // says something for 8-bit floats only
    {"DequantizeLinear", "block_size", 21, kZero},
    {"DequantizeLinear", "output_dtype", 23, kZero},
    {"Pad", "axes", 18, kNothing},
    {"QuantizeLinear", "block_size", 21, kZero},
    {"QuantizeLinear", "output_dtype", 21, kHasZeroPoint},
    {"QuantizeLinear", "precision", 23, kZero},
    {"QuantizeLinear", "saturate", 19, kAnything},
    {"Resize", "antialias", 18, kZero},
    {"Resize", "axes", 18, kNothing},
    {"Resize", "keep_aspect_ratio_policy", 18, kStretch},
};

/// Opsets that only widened the types an operator takes.
int needed_for_types(const Graph& graph, const Node& node) {
  const bool quantises = node.op == "QuantizeLinear" || node.op == "DequantizeLinear";
  int needed = kWrittenOpset;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const DType dtype = dtype_of_input(graph, node, i);
    if (quantises && i == 1 && dtype != DType::f32) needed = std::max(needed, 19);
    if (dtype == DType::f8e4m3) needed = std::max(needed, 19);
    if (quantises && (dtype == DType::i16 || dtype == DType::u16)) needed = std::max(needed, 21);
    if (dtype == DType::bf16 && node.op != "Cast") needed = std::max(needed, 22);
    if (dtype == DType::boolean && (node.op == "ReduceMax" || node.op == "ReduceMin")) needed = std::max(needed, 20);
  }
  return needed;
}

constexpr std::array kFloats{"alpha", "beta",  "bias",     "cubic_coeff_a", "epsilon", "extrapolation_value",
                             "gamma", "lambd", "momentum", "threshold"};
constexpr std::array kDTypes{"dtype", "output_dtype", "to"};
constexpr std::array kLists{"axes", "perm", "split"};
constexpr std::array kSpatial{"dilations", "kernel_shape", "output_padding", "output_shape", "strides"};
constexpr std::array kScalars{"constant_value", "k", "max", "min", "ratio", "training_mode"};

/// The value in the form ONNX declares for an attribute of that name.
Attribute spelled(const Graph& graph, const Node& node, std::string_view name, const Attribute& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (among(name, kFloats) && integer) return static_cast<double>(*integer);
  if (const auto* word = std::get_if<std::string>(&value); word && among(name, kDTypes))
    if (const auto dtype = parse_dtype(*word)) return static_cast<std::int64_t>(code_of(*dtype));
  if (among(name, kLists)) return node.attributes.get_ints(name);
  if (among(name, kSpatial) || name == "pads") {
    const auto rank = graph.value(node.inputs.front()).type.shape.rank();
    const std::size_t spatial = rank < 3 ? 1 : rank - 2;
    return node.attributes.get_ints(name, name == "pads" ? 2 * spatial : spatial, 0);
  }
  return value;
}

}  // namespace

bool is_attribute_at(std::string_view op, std::string_view name, int opset) {
  return is_reduce(op) && op != "ReduceSum" && name == "axes" && opset < 18;
}

int needed_opset(const Graph& graph, const Node& node) {
  int needed = needed_for_types(graph, node);
  for (const auto& row : kNewOperators)
    if (row.op == node.op) needed = std::max(needed, row.since);
  for (const auto& row : kNewAttributes) {
    const Attribute* value = row.op == node.op ? node.attributes.find(row.name) : nullptr;
    if (value && !row.harmless(graph, node, *value)) needed = std::max(needed, row.since);
  }
  if (node.op == "Pad" && node.inputs.size() > 3) needed = std::max(needed, 18);
  if (node.op == "Pad" && node.attributes.get_string("mode", "") == "wrap") needed = std::max(needed, 19);
  if (node.op == "Resize" && node.attributes.get_string("coordinate_transformation_mode", "") == "half_pixel_symmetric")
    needed = std::max(needed, 19);
  if (is_reduce(node.op) && node.op != "ReduceSum") {
    const bool computed =
        node.inputs.size() > 1 && node.inputs[1] != kNoValue && !graph.value(node.inputs[1]).is_constant();
    if (computed || node.attributes.get_int("noop_with_empty_axes", 0) != 0) needed = std::max(needed, 18);
  }
  return needed;
}

Attributes attributes_at(const Graph& graph, const Node& node, int opset) {
  Attributes result;
  const Op& op = *find_op(node.op);
  for (const auto& entry : node.attributes.entries()) {
    const std::string& name = entry.first;
    const bool structural =
        std::any_of(op.structural.begin(), op.structural.end(), [&](const auto& item) { return item.name == name; });
    if (structural && !is_attribute_at(node.op, name, opset)) continue;
    if (node.op == "Split" && name == "num_outputs") continue;
    if (is_reduce(node.op) && node.op != "ReduceSum" && name == "noop_with_empty_axes" && opset < 18) continue;
    const bool unknown = std::any_of(
        std::begin(kNewAttributes), std::end(kNewAttributes),
        [&](const NewAttribute& row) { return row.op == node.op && row.name == name && opset < row.since; });
    if (!unknown) result.set(name, spelled(graph, node, name, entry.second));
  }
  return result;
}

Tensor structural_tensor(const Graph& graph, const Node& node, std::string_view name, const Attribute& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) return *tensor;
  if (std::holds_alternative<std::string>(value)) return {};
  Attributes holder;
  holder.set(name, value);
  const bool of_input_type = name == "min" || name == "max" || name == "constant_value";
  if (among(name, kScalars)) {
    const Tensor number =
        std::holds_alternative<std::int64_t>(value) || std::holds_alternative<std::vector<std::int64_t>>(value)
            ? Tensor::scalar(holder.get_int(name, 0))
            : Tensor::scalar(holder.get_float(name, 0));
    if (of_input_type) return number.to(dtype_of_input(graph, node, 0));
    return number.to(name == "ratio" ? DType::f32 : name == "training_mode" ? DType::boolean : DType::i64);
  }
  if (name == "scales" || name == "roi") {
    const auto list = holder.get_floats(name);
    const std::vector<float> floats(list.begin(), list.end());
    if (floats.empty()) return {};
    return Tensor::from(Shape{static_cast<std::int64_t>(floats.size())}, std::span<const float>(floats));
  }
  std::vector<std::int64_t> list;
  if (std::holds_alternative<double>(value) || std::holds_alternative<std::vector<double>>(value)) {
    for (const double item : holder.get_floats(name)) list.push_back(static_cast<std::int64_t>(item));
  } else {
    list = holder.get_ints(name);
  }
  return Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list));
}

}  // namespace halftone
