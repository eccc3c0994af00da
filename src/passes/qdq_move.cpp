#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graph/op.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

constexpr auto kViews = std::to_array<std::string_view>(
    {"Reshape", "Transpose", "Slice", "Split", "Gather", "DepthToSpace", "Expand", "Concat", "Pad", "SpaceToDepth"});

/// Whether a node only moves its (first, or all of Concat's) input's elements, or picks the largest.
bool moves(const Node& node) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue || !is_self_contained(node)) return false;
  if (node.op == "MaxPool") return node.outputs.size() == 1;
  if (node.op == "Resize")
    return node.attributes.get_string("mode", "nearest") == "nearest" &&
           node.attributes.get_string("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
  return std::find(kViews.begin(), kViews.end(), node.op) != kViews.end();
}

std::size_t data_inputs(const Node& node) { return node.op == "Concat" ? node.inputs.size() : 1; }

/// The attributes with which a node does on quantised data what it did on reals; nothing where it cannot.
std::optional<Attributes> quantised_attributes(const Node& node, const Scale& scale) {
  if (node.op != "Pad" || node.attributes.get_string("mode", "constant") != "constant") return node.attributes;
  const double value = node.attributes.get_float("constant_value", 0);
  const float steps = static_cast<float>(value) / scale.scale[0];
  const float stored = scale.dtype == DType::f8e4m3 ? static_cast<float>(Float8(steps + scale.zero[0]))
                                                    : std::nearbyint(steps) + scale.zero[0];
  if (stored < lowest(scale.dtype) || stored > highest(scale.dtype) ||
      (stored - scale.zero[0]) * scale.scale[0] != static_cast<float>(value))
    return std::nullopt;
  auto attributes = node.attributes;
  attributes.set("constant_value", double{stored});
  return attributes;
}

class Mover {
 public:
  Mover(Editor& editor, const PassContext& context) : editor_(editor), context_(context) {}

  bool step(int index) {
    const auto& op = editor_.node(index).op;
    if (op == "QuantizeLinear") return cancel(index) || round_once(index) || hoist(index);
    return moves(editor_.node(index)) && (sink(index) || sink_per_axis(index));
  }

 private:
  std::optional<Scale> activation_scale(int index) {
    auto scale = scale_of(editor_, editor_.node(index));
    if (scale && (!scale->per_tensor() || !is_quantised(scale->dtype))) scale.reset();
    return scale;
  }

  /// Q(DQ(x)) of one scale is x.
  bool cancel(int quantise) {
    const int back = editor_.producer(editor_.node(quantise).inputs[0]);
    if (back < 0 || editor_.node(back).op != "DequantizeLinear") return false;
    const auto there = scale_of(editor_, editor_.node(quantise));
    const auto here = scale_of(editor_, editor_.node(back));
    const auto output = editor_.node(quantise).outputs[0];
    if (!there || !here || !(*there == *here) || !is_quantised(there->dtype)) return false;
    const auto source = editor_.node(back).inputs[0];
    if (editor_.is_output(output) && editor_.producer(source) < 0) return false;
    editor_.replace(output, source);
    editor_.remove(quantise);
    return true;
  }

  /// Q2(DQ1(Q1(convolution))) is Q2(convolution), which rounds once and so is off by a step of Q2 at most; the same
  /// with a Relu or Clip before Q2, as quantisers write it for signed data. Where Q1 cut values off, Q2 must too.
  bool round_once(int quantise) {
    int reader = quantise;
    int back = editor_.producer(editor_.node(quantise).inputs[0]);
    const bool rectified = back >= 0 && cuts_negatives(editor_.node(back));
    if (rectified) {
      if (editor_.only_user(editor_.node(back).outputs[0]) != quantise) return false;
      reader = back;
      back = editor_.producer(editor_.node(reader).inputs[0]);
    }
    if (back < 0 || editor_.node(back).op != "DequantizeLinear") return false;
    const int first = editor_.producer(editor_.node(back).inputs[0]);
    if (first < 0 || editor_.node(first).op != "QuantizeLinear") return false;
    const auto source = editor_.node(first).inputs[0];
    const auto maker = editor_.producer_op(source);
    if ((maker != "FusedConv" && !(rectified && maker == "Add")) || editor_.only_user(source) != first) return false;
    if (editor_.only_user(editor_.node(first).outputs[0]) != back ||
        editor_.only_user(editor_.node(back).outputs[0]) != reader)
      return false;
    const auto inner = activation_scale(first), undone = activation_scale(back), outer = activation_scale(quantise);
    if (!inner || !undone || !outer || !(*inner == *undone)) return false;
    if (rectified ? !reaches_as_high(*inner, *outer, largest_of(editor_.node(reader))) : !cuts_no_more(*inner, *outer))
      return false;
    editor_.set_input(reader, 0, source);
    editor_.remove(back);
    editor_.remove(first);
    return true;
  }

  static float lowest(const Scale& scale) { return halftone::lowest(scale.dtype) - scale.zero[0]; }
  static float highest(const Scale& scale) { return halftone::highest(scale.dtype) - scale.zero[0]; }

  static bool cuts_no_more(const Scale& inner, const Scale& outer) {
    const bool cuts = lowest(inner) > -16;
    if (cuts && lowest(inner) * inner.scale[0] > lowest(outer) * outer.scale[0]) return false;
    return !is_8bit(inner.dtype) || lowest(inner) >= -255 + 16;
  }

  /// Whether `inner` holds the largest value that gets through to `outer`, which is at most `largest`, to within a
  /// step.
  static bool reaches_as_high(const Scale& inner, const Scale& outer, float largest) {
    const float top = std::min(highest(outer) * outer.scale[0], largest);
    return highest(inner) * inner.scale[0] >= top - outer.scale[0];
  }

  /// The upper bound of a Relu or Clip.
  float largest_of(const Node& node) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    return node.op == "Clip" ? bound(editor_, node, 2, "max", kInfinity).value_or(kInfinity) : kInfinity;
  }

  /// Relu, or a Clip from 0 or above.
  bool cuts_negatives(const Node& node) {
    if (node.op != "Clip") return node.op == "Relu";
    const auto low = bound(editor_, node, 1, "min", -1);
    return low && *low >= 0;
  }

  /// Whether the device is no worse at a node on 8-bit data than it is on floats.
  bool worth(const Node& node, const Attributes& attributes, DType dtype) {
    Problem floats = problem_of(editor_.graph, node);
    Problem bytes = floats;
    bytes.attributes = attributes;
    std::vector<TensorType> types;
    for (std::size_t i = 0; i < bytes.inputs.size(); ++i) {
      if (i < data_inputs(node)) bytes.inputs[i].type.dtype = dtype;
      types.push_back(bytes.inputs[i].type);
    }
    bytes.outputs = infer_outputs(*find_op(node.op), attributes, types, node.outputs.size());
    return context_.can_run(bytes) || !context_.can_run(floats);
  }

  /// op(DQ(x)) -> DQ(op(x)).
  bool sink(int index) {
    const Node node = editor_.node(index);
    std::optional<Scale> scale;
    auto inputs = node.inputs;
    int model = -1;
    for (std::size_t i = 0; i < data_inputs(node); ++i) {
      const int back = editor_.producer(inputs[i]);
      if (back < 0 || editor_.node(back).op != "DequantizeLinear") return false;
      const auto here = activation_scale(back);
      if (!here || (scale && !(*here == *scale))) return false;
      scale = here;
      model = back;
      inputs[i] = editor_.node(back).inputs[0];
    }
    const auto attributes = quantised_attributes(node, *scale);
    if (!attributes || !worth(node, *attributes, scale->dtype)) return false;
    Node moved{node.op, node.name, *attributes, inputs, {}};
    for (const auto id : node.outputs)
      moved.outputs.push_back(id == kNoValue ? kNoValue : editor_.add_untyped(editor_.graph.value(id).name + "_q"));
    const auto outputs = moved.outputs;
    editor_.remove(index);
    editor_.add_making(std::move(moved));
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i] == kNoValue) continue;
      Node back = editor_.node(model);
      back.inputs[0] = outputs[i];
      back.outputs = {node.outputs[i]};
      back.attributes.erase("axis");
      editor_.add_making(std::move(back));
    }
    return true;
  }

  /// Transpose(DQ(constant)) -> DQ(constant), scales along the axis where it then is.
  bool sink_per_axis(int index) {
    const Node node = editor_.node(index);
    const auto perm = node.attributes.get_ints("perm");
    if (node.op != "Transpose" || perm.empty()) return false;
    auto weights = weights_of(editor_, node.inputs[0]);
    if (!weights || !weights->scale) return false;
    std::vector<std::size_t> axes;
    for (const auto axis : perm) axes.push_back(normalize_axis(axis, perm.size()));
    weights->permute(axes);
    editor_.replace(node.outputs[0], add_weights(editor_, *weights, node.name));
    editor_.remove(index);
    return true;
  }

  /// Q(op(x)) -> op(Q(x)), so that a convolution before op can write 8 bits itself.
  bool hoist(int quantise) {
    const int index = editor_.producer(editor_.node(quantise).inputs[0]);
    if (index < 0 || editor_.only_user(editor_.node(quantise).inputs[0]) != quantise) return false;
    const Node node = editor_.node(index);
    const auto& op = node.op;
    if (!moves(node) || op == "Slice" || op == "Split" || op == "Gather" || op == "Expand") return false;
    const auto scale = activation_scale(quantise);
    const auto attributes = scale ? quantised_attributes(node, *scale) : std::nullopt;
    if (!attributes || !worth(node, *attributes, scale->dtype)) return false;
    auto inputs = node.inputs;
    for (std::size_t i = 0; i < data_inputs(node); ++i) inputs[i] = add_like(editor_, quantise, inputs[i], 0);
    const auto moved = editor_.add(op, std::move(inputs), *attributes, node.name);
    editor_.replace(editor_.node(quantise).outputs[0], moved);
    editor_.remove(quantise);
    editor_.remove(index);
    return true;
  }

  Editor& editor_;
  const PassContext& context_;
};

}  // namespace

int run_qdq_move(Graph& graph, const PassContext& context) {
  Editor editor(graph);
  Mover mover(editor, context);
  for (int before = -1; before != editor.rewrites;) {
    before = editor.rewrites;
    for (int i = 0; i < static_cast<int>(editor.node_count()); ++i)
      if (editor.alive(i) && mover.step(i)) ++editor.rewrites;
  }
  return editor.rewrites;
}

}  // namespace halftone
