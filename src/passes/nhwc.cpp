#include <algorithm>
#include <array>

#include "graph/op.h"
#include "graph/ops/window.h"
#include "passes/layout.h"
#include "passes/pass.h"

namespace halftone {
namespace {

constexpr auto kUnary = std::to_array<std::string_view>(
    {"Abs",         "Acos",       "Acosh",    "Asin",  "Asinh", "Atan",      "Atanh",   "Cast",           "Ceil",
     "Celu",        "Clip",       "Cos",      "Cosh",  "Elu",   "Erf",       "Exp",     "Floor",          "Gelu",
     "HardSigmoid", "HardSwish",  "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log",     "Mish",           "Neg",
     "Not",         "Reciprocal", "Relu",     "Round", "Selu",  "Shrink",    "Sigmoid", "Sign",           "Sin",
     "Sinh",        "Softplus",   "Softsign", "Sqrt",  "Swish", "Tan",       "Tanh",    "ThresholdedRelu"});
constexpr auto kBroadcast =
    std::to_array<std::string_view>({"Add",        "And",         "BitShift", "BitwiseAnd", "BitwiseOr",
                                     "BitwiseXor", "Div",         "Equal",    "Greater",    "GreaterOrEqual",
                                     "Less",       "LessOrEqual", "Max",      "Mean",       "Min",
                                     "Mod",        "Mul",         "Or",       "PRelu",      "Pow",
                                     "Sub",        "Sum",         "Where"});

template <std::size_t N>
bool among(const std::array<std::string_view, N>& list, std::string_view op) {
  return std::find(list.begin(), list.end(), op) != list.end();
}

/// The node's successor has its attributes changed by `change` and reads `inputs`; its output is the twin of the
/// node's.
void convert(Layout& layout, int index, std::vector<ValueId> inputs, Attributes attributes) {
  const Node node = layout.editor.node(index);
  layout.set(node.outputs[0], layout.editor.add(node.op, std::move(inputs), std::move(attributes), node.name));
  layout.editor.remove(index);
}

bool any_twin(const Layout& layout, const Node& node) {
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return layout.has(id); });
}

Tensor dequantised(const Weights& weights) {
  if (!weights.scale) return weights.data;
  const auto& [scale, zero, axis, dtype] = *weights.scale;
  auto values = floats(weights.data);
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < weights.shape().rank(); ++i) inner *= static_cast<std::size_t>(weights.shape()[i]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t at = scale.size() == 1 ? 0 : i / inner % scale.size();
    values[i] = (values[i] - zero[at]) * scale[at];
  }
  return from_floats(weights.shape(), values);
}

bool convert_conv(Layout& layout, int index) {
  Editor& editor = layout.editor;
  const Node node = editor.node(index);
  const auto [dtype, shape] = editor.type(node.inputs[0]);
  if (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::bf16) return false;
  auto weights = weights_of(editor, node.inputs[1]);
  if (!weights || !Layout::fits(shape) || shape.count() == 0 || weights->shape().count() == 0) return false;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] != kNoValue;
  if (has_bias && !editor.constant(node.inputs[2]).defined()) return false;
  const Shape w = weights->shape();
  const std::vector<std::int64_t> extents(shape.begin() + 2, shape.end()), kernel(w.begin() + 2, w.end());
  const auto windows = ops::windows_of(node.attributes, extents, kernel);
  if (weights->scale && !weights->scale->per_tensor() && weights->scale->axis != 0)
    weights = Weights{dequantised(*weights), std::nullopt};
  if (shape.rank() == 3) weights->reshape(Shape{w[0], w[1], 1, w[2]}, 0);
  constexpr std::size_t kOhwi[] = {0, 2, 3, 1};
  weights->permute(kOhwi);

  const auto& [depth, height, width] = windows;
  Attributes attributes;
  const auto group = node.attributes.get_int("group", 1);
  if (group != 1) attributes.set("group", group);
  if (height.stride != 1 || width.stride != 1) attributes.set("strides", std::vector{height.stride, width.stride});
  if (height.dilation != 1 || width.dilation != 1)
    attributes.set("dilations", std::vector{height.dilation, width.dilation});
  const std::vector pads{height.pad_begin, width.pad_begin, height.pad_end, width.pad_end};
  if (std::any_of(pads.begin(), pads.end(), [](auto pad) { return pad != 0; })) attributes.set("pads", pads);
  std::vector<ValueId> inputs{layout.twin(node.inputs[0]), add_weights(editor, *weights, node.name + "_weights")};
  if (has_bias) {
    const Tensor& bias = editor.constant(node.inputs[2]);
    inputs.push_back(bias.dtype() == DType::f32 ? node.inputs[2]
                                                : editor.add_constant(node.name + "_bias", bias.to(DType::f32)));
  }
  layout.set(node.outputs[0], editor.add("FusedConv", std::move(inputs), std::move(attributes), node.name));
  editor.remove(index);
  return true;
}

/// Attributes of a window over one axis as those of a window over (1, that axis).
Attributes lifted(Attributes attributes) {
  for (const std::string_view key : {"kernel_shape", "strides", "dilations"})
    if (attributes.has(key)) attributes.set(key, std::vector<std::int64_t>{1, attributes.get_ints(key, 1, 1)[0]});
  if (const auto pads = attributes.get_ints("pads"); !pads.empty())
    attributes.set("pads", std::vector<std::int64_t>{0, pads.front(), 0, pads.back()});
  return attributes;
}

bool convert_image_op(Layout& layout, int index) {
  const Node node = layout.editor.node(index);
  const Shape& shape = layout.editor.shape(node.inputs[0]);
  const bool everywhere = node.op == "MaxPool" || node.op == "AveragePool" || node.op == "GlobalAveragePool" ||
                          node.op == "GlobalMaxPool" || node.op == "LRN";
  if (!Layout::fits(shape) || shape.count() == 0 || node.outputs.size() > 1) return false;
  if (!everywhere && (!layout.has(node.inputs[0]) || (node.op == "Resize" && shape.rank() != 4))) return false;
  auto attributes = shape.rank() == 3 ? lifted(node.attributes) : node.attributes;
  attributes.set("layout", std::string("NHWC"));
  auto inputs = node.inputs;
  inputs[0] = layout.twin(inputs[0]);
  convert(layout, index, std::move(inputs), std::move(attributes));
  return true;
}

/// An operand of a broadcasting operator whose result has `rank` axes, or kNoValue where it cannot be laid out.
ValueId operand_twin(Layout& layout, ValueId id, std::size_t rank) {
  const Shape shape = layout.editor.shape(id);
  if (shape.count() == 1 && shape.rank() <= 1) return id;
  if (shape.rank() == rank) return layout.twin(id);
  if (shape.rank() > rank) return kNoValue;
  auto dims = shape.dims();
  dims.insert(dims.begin(), rank - shape.rank(), 1);
  if (const Tensor& constant = layout.editor.constant(id); constant.defined())
    return layout.twin(layout.editor.add_constant(layout.editor.graph.value(id).name, constant.reshaped(Shape(dims))));
  return layout.twin(layout.editor.reshape(id, Shape(dims)));
}

bool convert_broadcast(Layout& layout, int index) {
  const Node node = layout.editor.node(index);
  const auto rank = layout.editor.shape(node.outputs[0]).rank();
  std::vector<ValueId> inputs;
  for (const auto id : node.inputs) {
    if (layout.has(id) && layout.editor.shape(id).rank() != rank) return false;
    if (layout.editor.shape(id).rank() > rank) return false;
  }
  for (const auto id : node.inputs) inputs.push_back(operand_twin(layout, id, rank));
  convert(layout, index, std::move(inputs), node.attributes);
  return true;
}

bool convert_axis_op(Layout& layout, int index, std::int64_t default_axis) {
  const Node node = layout.editor.node(index);
  const auto rank = layout.editor.shape(node.inputs[0]).rank();
  auto attributes = node.attributes;
  attributes.set("axis", static_cast<std::int64_t>(Layout::axis(rank, node.attributes.get_int("axis", default_axis))));
  std::vector<ValueId> inputs;
  for (const auto id : node.inputs) inputs.push_back(layout.twin(id));
  convert(layout, index, std::move(inputs), std::move(attributes));
  return true;
}

bool convert_quantisation(Layout& layout, int index) {
  const Node node = layout.editor.node(index);
  const auto rank = layout.editor.shape(node.inputs[0]).rank();
  auto attributes = node.attributes;
  if (layout.editor.shape(node.inputs[1]).count() > 1) {
    if (attributes.get_int("block_size", 0) != 0) return false;
    attributes.set("axis", static_cast<std::int64_t>(Layout::axis(rank, attributes.get_int("axis", 1))));
  } else {
    attributes.erase("axis");
  }
  auto inputs = node.inputs;
  inputs[0] = layout.twin(inputs[0]);
  convert(layout, index, std::move(inputs), std::move(attributes));
  return true;
}

bool convert_reduce(Layout& layout, int index) {
  Editor& editor = layout.editor;
  const Node node = editor.node(index);
  const auto rank = editor.shape(node.inputs[0]).rank();
  const auto axes = node.attributes.get_ints("axes");
  const bool keep = node.attributes.get_int("keepdims", 1) != 0;
  if (axes.empty() && node.attributes.get_int("noop_with_empty_axes", 0) != 0) return false;
  std::vector<char> reduced(rank, axes.empty());
  for (const auto axis : axes) reduced[normalize_axis(axis, rank)] = 1;
  std::vector<std::int64_t> mapped;
  std::vector<std::size_t> kept;
  for (std::size_t axis = 0; axis < rank; ++axis)
    if (reduced[axis]) mapped.push_back(static_cast<std::int64_t>(Layout::axis(rank, static_cast<std::int64_t>(axis))));
    else kept.push_back(Layout::axis(rank, static_cast<std::int64_t>(axis)));
  if (rank == 3) mapped.push_back(1);
  if (!keep && !std::is_sorted(kept.begin(), kept.end())) return false;
  auto attributes = node.attributes;
  std::sort(mapped.begin(), mapped.end());
  attributes.set("axes", mapped);
  const auto made = editor.add(node.op, {layout.twin(node.inputs[0])}, std::move(attributes), node.name);
  if (keep) layout.set(node.outputs[0], made);
  else editor.replace(node.outputs[0], made);
  editor.remove(index);
  return true;
}

}  // namespace

bool convert_layout(Layout& layout, int index) {
  const Node& node = layout.editor.node(index);
  if (node.op.empty() || node.inputs.empty() || !is_self_contained(node)) return false;
  if (node.op == "Conv") return convert_conv(layout, index);
  if (node.op == "MaxPool" || node.op == "AveragePool" || node.op == "LRN" || node.op == "BatchNormalization" ||
      node.op == "InstanceNormalization" || node.op == "Resize" || node.op.starts_with("Global"))
    return convert_image_op(layout, index);
  if (node.op == "Transpose" && !layout.has(node.inputs[0]) &&
      node.attributes.get_ints("perm") == std::vector<std::int64_t>{0, 3, 1, 2}) {
    const auto last = node.inputs[0], first = node.outputs[0];
    layout.set(first, last);
    layout.editor.remove(index);
    return true;
  }
  if (!any_twin(layout, node)) return false;
  if (among(kBroadcast, node.op)) return convert_broadcast(layout, index);
  if (node.op == "Concat") return convert_axis_op(layout, index, 1);
  if (!layout.has(node.inputs[0])) return false;
  if (among(kUnary, node.op)) {
    convert(layout, index, {layout.twin(node.inputs[0])}, node.attributes);
    return true;
  }
  if (node.op == "Softmax" || node.op == "LogSoftmax" || node.op == "Hardmax")
    return convert_axis_op(layout, index, -1);
  if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") return convert_quantisation(layout, index);
  if (node.op.starts_with("Reduce")) return convert_reduce(layout, index);
  return convert_movement(layout, index);
}

int run_nhwc(Graph& graph, const PassContext&) {
  Editor editor(graph);
  Layout layout(editor);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i)
    if (convert_layout(layout, i)) ++editor.rewrites;
  layout.finish();
  return editor.rewrites;
}

}  // namespace halftone
