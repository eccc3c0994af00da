#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "quant/product.h"
#include "quant/quantize.h"

namespace halftone {
namespace {

/// Whether the node only moves or picks elements, so that its output keeps its input's range and scale.
bool keeps_scale(const Node& node) {
  static const std::set<std::string_view> kOps{"MaxPool",   "Reshape",   "Flatten",      "Squeeze",
                                               "Unsqueeze", "Transpose", "Concat",       "Slice",
                                               "Split",     "Gather",    "DepthToSpace", "SpaceToDepth"};
  return kOps.contains(node.op);
}

/// What a Pad adds, as a number that 8-bit floats of a scale hold: c and its scale were rounded one after the other.
double padding_of(const Node& pad, float scale) {
  const auto value = static_cast<float>(pad.attributes.get_float("constant_value", 0));
  return static_cast<double>(static_cast<float>(Float8(value / scale)) * scale);
}

}  // namespace

std::vector<std::vector<ValueId>> values_to_quantize(const Graph& graph, const std::set<std::string>& keep_float) {
  std::vector<char> wanted(graph.values.size(), 0);
  const auto want = [&](ValueId id) {
    if (id == kNoValue || graph.value(id).is_constant() || wanted[static_cast<std::size_t>(id)]) return false;
    const auto dtype = graph.value(id).type.dtype;
    if (dtype != DType::f32 && dtype != DType::none) return false;
    wanted[static_cast<std::size_t>(id)] = 1;
    return true;
  };
  const auto producers = graph.producers();
  for (const auto& node : graph.nodes)
    if (is_product(graph, node) && !keep_float.contains(node.name)) want(rounded_input(graph, producers, node));
  for (const auto& sum : sums_of(graph))
    if (!keep_float.contains(graph.nodes[static_cast<std::size_t>(sum.product)].name)) want(sum.other);
  std::vector<std::size_t> group(graph.values.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  const auto root = [&](ValueId id) {
    auto at = static_cast<std::size_t>(id);
    while (group[at] != at) at = group[at];
    return at;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& node : graph.nodes) {
      if (!keeps_scale(node) || node.outputs[0] == kNoValue || !wanted[static_cast<std::size_t>(node.outputs[0])])
        continue;
      const std::size_t data_inputs = node.op == "Concat" ? node.inputs.size() : 1;
      for (std::size_t i = 0; i < data_inputs; ++i) {
        if (graph.value(node.inputs[i]).is_constant()) continue;
        changed |= want(node.inputs[i]);
        if (wanted[static_cast<std::size_t>(node.inputs[i])] && root(node.inputs[i]) != root(node.outputs[0])) {
          group[root(node.inputs[i])] = root(node.outputs[0]);
          changed = true;
        }
      }
    }
  }
  std::map<std::size_t, std::vector<ValueId>> groups;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i]) groups[root(static_cast<ValueId>(i))].push_back(static_cast<ValueId>(i));
  std::vector<std::vector<ValueId>> result;
  for (auto& [key, members] : groups) result.push_back(std::move(members));
  return result;
}

std::size_t insert_qdq(Graph& graph, const std::map<ValueId, Range>& ranges, bool symmetric,
                       const std::set<std::string>& keep_float, bool fp8,
                       const std::map<std::string, QuantizedWeights>& chosen) {
  const auto lattices = fp8 ? std::map<int, Lattice>() : lattices_of(graph, ranges, symmetric);
  // What stays in float reads what was there before rounding.
  std::set<int> keeps;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (is_product(graph, graph.nodes[i]) && keep_float.contains(graph.nodes[i].name))
      keeps.insert(static_cast<int>(i));
  for (const auto& sum : sums_of(graph))
    if (keeps.contains(sum.product)) keeps.insert(sum.add);
  std::map<int, ValueId> rounded;  // of products
  const auto producers = graph.producers();
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!is_product(graph, graph.nodes[i])) continue;
    rounded[static_cast<int>(i)] = rounded_input(graph, producers, graph.nodes[i]);
    const int pad = moved_padding(graph, producers, graph.nodes[i]);
    if (pad < 0) continue;
    Node& padding = graph.nodes[static_cast<std::size_t>(pad)];
    const auto range = ranges.find(padding.inputs[0]);
    if (keeps.contains(static_cast<int>(i))) keeps.insert(pad);
    else if (fp8 && range != ranges.end())
      padding.attributes.set("constant_value", padding_of(padding, activation_scale(range->second, false, true).scale));
  }
  for (const auto& [id, range] : ranges) {
    const ActivationScale scale = activation_scale(range, symmetric, fp8);
    const std::string name = graph.value(id).name;
    const ValueId scale_id = graph.add_constant(name + "_scale", Tensor::scalar(scale.scale));
    const ValueId zero_id = graph.add_constant(name + "_zero_point", zero_point(scale, symmetric, fp8));
    const std::size_t old_nodes = graph.nodes.size();
    const ValueId quantised = graph.add_node("QuantizeLinear", {id, scale_id, zero_id}, {}, name + "_quantized");
    const ValueId back = graph.add_node("DequantizeLinear", {quantised, scale_id, zero_id}, {}, name + "_dequantized");
    for (std::size_t i = 0; i < old_nodes; ++i)
      if (!keeps.contains(static_cast<int>(i)) &&
          (graph.nodes[i].op != "QuantizeLinear" || graph.nodes[i].inputs[0] != id))
        std::replace(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end(), id, back);
  }
  std::size_t products = 0;
  const std::size_t count = graph.nodes.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Node node = graph.nodes[i];
    if (!is_product(graph, node) || keeps.contains(static_cast<int>(i))) continue;
    const auto source = ranges.find(rounded.at(static_cast<int>(i)));
    if (source == ranges.end()) continue;
    const float x_scale = activation_scale(source->second, symmetric, fp8).scale;
    const std::string name = graph.value(node.inputs[1]).name;
    const std::size_t axis = channel_axis(node);
    const auto lattice = lattices.find(static_cast<int>(i));
    const bool on_lattice = lattice != lattices.end();
    const auto weights = weights_of(graph, node, chosen, fp8, on_lattice ? &lattice->second : nullptr);
    const auto channels = static_cast<std::size_t>(weights.scale.count());
    Attributes axis_attribute;
    axis_attribute.set("axis", static_cast<std::int64_t>(axis));
    const ValueId scale_id = graph.add_constant(name + "_scale", weights.scale);
    Tensor zeros(weights.data.dtype(), Shape{weights.scale.count()});
    std::fill_n(static_cast<std::byte*>(zeros.raw()), channels, std::byte{0});
    const ValueId zero_id = graph.add_constant(name + "_zero_point", zeros);
    const ValueId quantised = graph.add_constant(name + "_quantized", weights.data);
    graph.nodes[i].inputs[1] =
        graph.add_node("DequantizeLinear", {quantised, scale_id, zero_id}, axis_attribute, name + "_dequantized");
    ++products;
    if (fp8 || node.inputs.size() < 3 || node.inputs[2] == kNoValue) continue;  // sums of 8-bit floats are floats
    const Value& bias = graph.value(node.inputs[2]);
    if (!bias.is_constant() || bias.constant.shape() != Shape{weights.scale.count()}) continue;
    const std::string bias_name = bias.name;
    if (on_lattice && lattice->second.fineness) {
      // Between two integers of the product's own scale, which no engine asks of a sum's bias: a float.
      Tensor moved = bias.constant.clone();
      for (std::size_t c = 0; c < channels; ++c) {
        float& value = moved.data<float>()[c];
        const float w_scale = weights.scale.data<float>()[c];
        const double step = static_cast<double>(x_scale) * static_cast<double>(w_scale);
        value = static_cast<float>(step * lattice->second.bias(static_cast<double>(value) / step, w_scale));
      }
      graph.nodes[i].inputs[2] = graph.add_constant(bias_name + "_aligned", moved);
      continue;
    }
    Tensor bias_scale(DType::f32, bias.constant.shape()), bias_quantised(DType::i32, bias.constant.shape());
    const Tensor bias_values = bias.constant;
    bool fits = true;
    for (std::size_t c = 0; c < channels; ++c) {
      const float step = x_scale * weights.scale.data<float>()[c];
      const double value =
          std::nearbyint(static_cast<double>(bias_values.data<float>()[c]) / static_cast<double>(step));
      fits = fits && step > 0 && std::abs(value) < 1 << 30;
      bias_scale.data<float>()[c] = step;
      bias_quantised.data<std::int32_t>()[c] = fits ? static_cast<std::int32_t>(value) : 0;
    }
    if (!fits) continue;  // an all-but-zero channel with a large bias: the bias stays in float
    const ValueId bias_scale_id = graph.add_constant(bias_name + "_scale", bias_scale);
    const ValueId bias_id = graph.add_constant(bias_name + "_quantized", bias_quantised);
    Attributes bias_axis;
    bias_axis.set("axis", std::int64_t{0});
    graph.nodes[i].inputs[2] =
        graph.add_node("DequantizeLinear", {bias_id, bias_scale_id}, bias_axis, bias_name + "_dequantized");
  }
  graph.sort();
  graph.compact();
  return products;
}

}  // namespace halftone
