#include <algorithm>
#include <cmath>

#include "graph/op.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

bool near(std::optional<float> value, float wanted) {
  return value && std::abs(*value - wanted) <= 1e-4f * std::abs(wanted);
}

/// The varying operand of a two-input node whose other operand is the constant `value`; `ordered` takes only x op
/// value.
ValueId operand(Editor& editor, const Node& node, float value, bool ordered = false) {
  if (node.inputs.size() != 2) return kNoValue;
  if (near(scalar_of(editor.constant(node.inputs[1])), value)) return node.inputs[0];
  if (!ordered && near(scalar_of(editor.constant(node.inputs[0])), value)) return node.inputs[1];
  return kNoValue;
}

const Node* maker(Editor& editor, ValueId id, std::string_view op) {
  return editor.producer_op(id) == op ? &editor.node(editor.producer(id)) : nullptr;
}

/// x where `id` is x / 6 or x * (1/6).
ValueId sixth(Editor& editor, ValueId id) {
  if (const Node* div = maker(editor, id, "Div")) return operand(editor, *div, 6, true);
  if (const Node* mul = maker(editor, id, "Mul")) return operand(editor, *mul, 1.0f / 6);
  return kNoValue;
}

/// x where `id` is clip(x + 3, 0, 6).
ValueId relu6_of_plus_3(Editor& editor, ValueId id) {
  const Node* clip = maker(editor, id, "Clip");
  if (!clip || bound(editor, *clip, 1, "min", -1) != 0.0f || bound(editor, *clip, 2, "max", -1) != 6.0f)
    return kNoValue;
  const Node* add = maker(editor, clip->inputs[0], "Add");
  return add ? operand(editor, *add, 3) : kNoValue;
}

void become(Editor& editor, int index, std::string op, ValueId x, Attributes attributes = {}) {
  const auto made = editor.add(std::move(op), {x}, std::move(attributes), editor.node(index).name);
  editor.replace(editor.node(index).outputs[0], made);
  editor.remove(index);
}

/// clip(x + 3, 0, 6) / 6 -> HardSigmoid.
bool hard_sigmoid(Editor& editor, int index) {
  const auto y = editor.node(index).outputs[0];
  const auto clipped = sixth(editor, y);
  const auto x = clipped == kNoValue ? kNoValue : relu6_of_plus_3(editor, clipped);
  if (x == kNoValue) return false;
  Attributes attributes;
  attributes.set("alpha", double{1.0f / 6});
  attributes.set("beta", 0.5);
  become(editor, index, "HardSigmoid", x, std::move(attributes));
  return true;
}

/// x * HardSigmoid(x), or x * clip(x + 3, 0, 6) to be divided by 6, -> HardSwish.
bool hard_swish(Editor& editor, int index) {
  const Node& node = editor.node(index);
  if (node.op == "Mul")
    for (std::size_t k = 0; k < 2; ++k) {
      const auto x = node.inputs[k];
      const Node* gate = maker(editor, node.inputs[1 - k], "HardSigmoid");
      if (!gate || gate->inputs[0] != x) continue;
      if (!near(static_cast<float>(gate->attributes.get_float("alpha", 0.2)), 1.0f / 6)) continue;
      if (!near(static_cast<float>(gate->attributes.get_float("beta", 0.5)), 0.5f)) continue;
      become(editor, index, "HardSwish", x);
      return true;
    }
  const auto product = sixth(editor, node.outputs[0]);
  const Node* mul = product == kNoValue ? nullptr : maker(editor, product, "Mul");
  if (!mul) return false;
  for (std::size_t k = 0; k < 2; ++k) {
    const auto x = mul->inputs[k];
    if (relu6_of_plus_3(editor, mul->inputs[1 - k]) != x || x == kNoValue) continue;
    become(editor, index, "HardSwish", x);
    return true;
  }
  return false;
}

/// Means over height and width, and poolings with one window over all, -> GlobalAveragePool, GlobalMaxPool.
bool global_pool(Editor& editor, int index) {
  const Node& node = editor.node(index);
  const auto input = node.inputs[0];
  const Shape shape = editor.shape(input);
  if (shape.rank() != 4 || !is_float(editor.type(input).dtype) || !is_self_contained(node)) return false;
  if (node.op == "ReduceMean") {
    auto axes = node.attributes.get_ints("axes");
    for (auto& axis : axes) axis = static_cast<std::int64_t>(normalize_axis(axis, 4));
    std::sort(axes.begin(), axes.end());
    if (axes != std::vector<std::int64_t>{2, 3}) return false;
    const Shape out = editor.shape(node.outputs[0]);
    const auto pooled = editor.add("GlobalAveragePool", {input}, {}, node.name);
    editor.replace(editor.node(index).outputs[0], editor.reshape(pooled, out));
    editor.remove(index);
    return true;
  }
  const bool average = node.op == "AveragePool";
  if (!average && (node.op != "MaxPool" || node.outputs.size() > 1)) return false;
  const auto kernel = node.attributes.get_ints("kernel_shape", 2, 1);
  const auto auto_pad = node.attributes.get_string("auto_pad", "NOTSET");
  if (kernel != std::vector{shape[2], shape[3]} || !all_are(node.attributes.get_ints("pads"), 0)) return false;
  if (auto_pad != "NOTSET" && auto_pad != "VALID") return false;
  if (!all_are(node.attributes.get_ints("dilations"), 1) ||
      editor.shape(node.outputs[0]) != Shape{shape[0], shape[1], 1, 1})
    return false;
  become(editor, index, average ? "GlobalAveragePool" : "GlobalMaxPool", input);
  return true;
}

/// A Pad of zeros around height and width becomes its reader's padding.
bool pad(Editor& editor, int index) {
  const Node& node = editor.node(index);
  const bool conv = node.op == "Conv";
  const bool average = node.op == "AveragePool";
  if (!conv && !average) return false;
  const Node* before = maker(editor, node.inputs[0], "Pad");
  if (!before || !is_self_contained(*before) || editor.only_user(node.inputs[0]) != index) return false;
  const auto& attributes = before->attributes;
  if (attributes.get_string("mode", "constant") != "constant" || attributes.get_float("constant_value", 0) != 0)
    return false;
  const auto auto_pad = node.attributes.get_string("auto_pad", "NOTSET");
  if (auto_pad != "NOTSET" && auto_pad != "VALID") return false;
  const auto rank = editor.shape(node.inputs[0]).rank();
  const auto pads = attributes.get_ints("pads");
  auto axes = attributes.get_ints("axes");
  if (axes.empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (pads.size() != 2 * axes.size() || *std::min_element(pads.begin(), pads.end()) < 0) return false;
  const std::size_t spatial = rank - 2;
  auto total = auto_pad == "VALID" ? std::vector<std::int64_t>(2 * spatial, 0)
                                   : node.attributes.get_ints("pads", 2 * spatial, 0);
  const bool padded_already = !all_are(total, 0);
  if (average && (node.attributes.get_int("ceil_mode", 0) != 0 ||
                  (padded_already && node.attributes.get_int("count_include_pad", 0) == 0)))
    return false;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalize_axis(axes[i], rank);
    const auto begin = pads[i], end = pads[axes.size() + i];
    if (axis < 2 && (begin != 0 || end != 0)) return false;
    if (axis < 2) continue;
    total[axis - 2] += begin;
    total[spatial + axis - 2] += end;
  }
  const int padding = editor.producer(node.inputs[0]);
  const auto source = before->inputs[0];
  Node& reader = editor.node(index);
  reader.attributes.set("pads", total);
  reader.attributes.erase("auto_pad");
  if (average) reader.attributes.set("count_include_pad", std::int64_t{1});
  editor.set_input(index, 0, source);
  editor.remove(padding);
  return true;
}

/// Transpose of a Pad becomes Pad of a Transpose, so that the padding stands before what reads it.
bool pad_after_transpose(Editor& editor, int index) {
  const Node& node = editor.node(index);
  if (node.op != "Transpose") return false;
  const Node* before = maker(editor, node.inputs[0], "Pad");
  if (!before || !is_self_contained(*before) || editor.only_user(node.inputs[0]) != index) return false;
  const auto rank = editor.shape(node.inputs[0]).rank();
  const auto perm = node.attributes.get_ints("perm");
  const auto pads = before->attributes.get_ints("pads");
  if (perm.size() != rank || pads.size() != 2 * rank || before->attributes.has("axes")) return false;
  std::vector<std::int64_t> moved(2 * rank);
  for (std::size_t i = 0; i < rank; ++i) {
    moved[i] = pads[static_cast<std::size_t>(perm[i])];
    moved[rank + i] = pads[rank + static_cast<std::size_t>(perm[i])];
  }
  const int padding = editor.producer(node.inputs[0]);
  auto attributes = before->attributes;
  attributes.set("pads", moved);
  const std::string name = before->name;
  const auto turned = editor.add("Transpose", {before->inputs[0]}, node.attributes, node.name);
  editor.replace(editor.node(index).outputs[0], editor.add("Pad", {turned}, std::move(attributes), name));
  editor.remove(index);
  editor.remove(padding);
  return true;
}

/// Max or Min of x and a constant of one element -> Clip, joined with a Clip before it.
bool clip(Editor& editor, int index) {
  const Node& node = editor.node(index);
  const bool low = node.op == "Max";
  if ((!low && node.op != "Min") || node.inputs.size() != 2) return false;
  const bool swapped = editor.constant(node.inputs[0]).defined();
  auto x = node.inputs[swapped ? 1 : 0];
  const auto limit = scalar_of(editor.constant(node.inputs[swapped ? 0 : 1]));
  const auto type = editor.type(x);
  if (!limit || std::isnan(*limit) || !is_float(type.dtype) || type != editor.type(node.outputs[0])) return false;
  Attributes attributes;
  if (const Node* before = maker(editor, x, "Clip"); before && editor.only_user(x) == index) {
    const auto least = bound(editor, *before, 1, "min", -HUGE_VALF), most = bound(editor, *before, 2, "max", HUGE_VALF);
    // Clip applies its maximum last, so a minimum above it cannot be joined.
    if (least && most && (!low || *limit <= *most)) {
      const int joined = editor.producer(x);
      if (*least > -HUGE_VALF) attributes.set("min", double{*least});
      if (*most < HUGE_VALF) attributes.set("max", double{*most});
      x = before->inputs[0];
      const double both = low ? std::max(*limit, *least) : std::min(*limit, *most);
      attributes.set(low ? "min" : "max", both);
      become(editor, index, "Clip", x, std::move(attributes));
      editor.remove(joined);
      return true;
    }
  }
  attributes.set(low ? "min" : "max", double{*limit});
  become(editor, index, "Clip", x, std::move(attributes));
  return true;
}

}  // namespace

int run_canonical(Graph& graph, const PassContext&) {
  Editor editor(graph);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i) {
    if (!editor.alive(i) || editor.node(i).inputs.empty() || editor.node(i).inputs[0] == kNoValue) continue;
    // Each may replace the node, so the next sees the rest of the list.
    if (hard_swish(editor, i) || hard_sigmoid(editor, i) || global_pool(editor, i) || pad_after_transpose(editor, i) ||
        pad(editor, i) || clip(editor, i))
      ++editor.rewrites;
  }
  return editor.rewrites;
}

}  // namespace halftone
