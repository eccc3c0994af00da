#include <algorithm>

#include "graph/fused_conv.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

/// What a Pad puts around the height and width of NHWC pixels of 8 bits.
struct Border {
  ValueId source = kNoValue;
  float stored = 0;
  std::vector<std::int64_t> pads;  ///< top, left, bottom, right
};

std::optional<Border> border(Editor& editor, ValueId id) {
  if (editor.producer_op(id) != "Pad" || !is_quantised(editor.type(id).dtype)) return std::nullopt;
  const Node& node = editor.node(editor.producer(id));
  if (!is_self_contained(node) || node.attributes.get_string("mode", "constant") != "constant") return std::nullopt;
  Border found{node.inputs[0], static_cast<float>(node.attributes.get_float("constant_value", 0)),
               std::vector<std::int64_t>(4, 0)};
  const auto pads = node.attributes.get_ints("pads");
  auto axes = node.attributes.get_ints("axes");
  if (!node.attributes.has("axes")) axes = {0, 1, 2, 3};
  if (editor.shape(id).rank() != 4 || pads.size() != 2 * axes.size()) return std::nullopt;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = normalize_axis(axes[i], 4);
    const auto before = pads[i], after = pads[axes.size() + i];
    if (before < 0 || after < 0 || ((axis == 0 || axis == 3) && before + after > 0)) return std::nullopt;
    if (axis == 0 || axis == 3) continue;
    found.pads[axis - 1] = before;
    found.pads[axis + 1] = after;
  }
  return found;
}

/// The sum of each output channel's weights.
std::vector<double> weight_sums(const Tensor& weights) {
  const auto values = floats(weights);
  std::vector<double> sums(static_cast<std::size_t>(weights.shape()[0]), 0);
  const std::size_t filter = values.size() / sums.size();
  for (std::size_t i = 0; i < values.size(); ++i) sums[i / filter] += static_cast<double>(values[i]);
  return sums;
}

/// With p stored around x and zero point z the sum is that of (x - p) with zeros around it, plus (p - z) times the sum
/// of the weights, which goes to the bias.
bool take_border(Editor& editor, const PassContext& context, int index) {
  const Node node = editor.node(index);
  const auto around = border(editor, node.inputs[FusedConv::kX]);
  if (!around || node.inputs.size() <= FusedConv::kQuantisation) return false;
  const auto given = [&](std::size_t slot) { return editor.constant(node.inputs[slot]); };
  if (!given(FusedConv::kW).defined() || !given(FusedConv::kWeightScale).defined() ||
      !given(FusedConv::kQuantisation).defined())
    return false;
  const bool has_bias = node.inputs[FusedConv::kBias] != kNoValue;
  if (has_bias && !given(FusedConv::kBias).defined()) return false;
  auto quantisation = floats(given(FusedConv::kQuantisation));
  const float moved = around->stored - quantisation[1];
  const auto own = node.attributes.get_ints("pads", 4, 0);
  const bool pads_itself = std::any_of(own.begin(), own.end(), [](std::int64_t pad) { return pad != 0; });
  if (moved != 0 && pads_itself) return false;

  Node made = node;
  auto pads = around->pads;
  for (std::size_t i = 0; i < pads.size(); ++i) pads[i] += own[i];
  made.attributes.set("pads", pads);
  made.inputs[FusedConv::kX] = around->source;
  if (moved != 0) {
    quantisation[1] = around->stored;
    made.attributes.erase("symmetric");
    if (quantisation[1] == 0 && quantisation[3] == 0 && quantisation[5] == 0)
      made.attributes.set("symmetric", std::int64_t{1});
  }
  Problem problem = problem_of(editor.graph, made);
  problem.inputs[FusedConv::kBias] = {{DType::f32, Shape{editor.shape(node.inputs[FusedConv::kW])[0]}}, true};
  if (!context.can_run(problem)) return false;

  if (moved != 0) {
    const auto w_scale = floats(given(FusedConv::kWeightScale));
    auto bias = has_bias ? floats(given(FusedConv::kBias)) : std::vector<float>(w_scale.size(), 0.0f);
    const auto sums = weight_sums(given(FusedConv::kW));
    for (std::size_t o = 0; o < bias.size(); ++o) {
      const double factor = static_cast<double>(quantisation[0]) * static_cast<double>(w_scale[o]);
      bias[o] = static_cast<float>(static_cast<double>(bias[o]) + factor * static_cast<double>(moved) * sums[o]);
    }
    const Shape channels{static_cast<std::int64_t>(bias.size())};
    made.inputs[FusedConv::kBias] = editor.add_constant(node.name + "_bias", from_floats(channels, bias));
    made.inputs[FusedConv::kQuantisation] =
        editor.add_constant(node.name + "_quantisation", from_floats(Shape{6}, quantisation));
  }
  editor.remove(index);
  editor.add_making(std::move(made));
  return true;
}

}  // namespace

int run_qdq_pad(Graph& graph, const PassContext& context) {
  Editor editor(graph);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i)
    if (editor.alive(i) && editor.node(i).op == "FusedConv" && take_border(editor, context, i)) ++editor.rewrites;
  return editor.rewrites;
}

}  // namespace halftone
