#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "quant/quantize.h"

namespace halftone {
namespace {

/// Whether the node multiplies activations (input 0) with constant weights (input 1).
bool is_product(const Graph& graph, const Node& node) {
  if (node.op != "Conv" && node.op != "Gemm" && node.op != "MatMul") return false;
  if (node.inputs.size() < 2 || node.inputs[1] == kNoValue || !graph.value(node.inputs[1]).is_constant()) return false;
  if (graph.value(node.inputs[0]).is_constant() || graph.value(node.inputs[1]).constant.dtype() != DType::f32)
    return false;
  const auto rank = graph.value(node.inputs[1]).constant.shape().rank();
  if (node.op == "Conv") return rank >= 3;
  if (node.op == "MatMul") return rank == 2;
  return node.attributes.get_int("transA", 0) == 0 && node.attributes.get_float("alpha", 1) == 1 &&
         node.attributes.get_float("beta", 1) == 1;
}

/// Whether the node only moves or picks elements, so that its output keeps its input's range and scale.
bool keeps_scale(const Node& node) {
  static const std::set<std::string_view> kOps{"MaxPool",   "Reshape",   "Flatten",      "Squeeze",
                                               "Unsqueeze", "Transpose", "Concat",       "Slice",
                                               "Split",     "Gather",    "DepthToSpace", "SpaceToDepth"};
  return kOps.contains(node.op);
}

/// The axis of a weight tensor that counts output channels.
std::size_t channel_axis(const Node& node) {
  if (node.op == "Conv") return 0;
  return node.op == "Gemm" && node.attributes.get_int("transB", 0) != 0 ? 0 : 1;
}

struct WeightScale {
  Tensor quantised;  // i8, the weights' shape
  Tensor scale;      // f32 [channels]
};

WeightScale quantize_weights(const Tensor& weights, std::size_t axis) {
  const auto& shape = weights.shape();
  const std::int64_t channels = shape[axis];
  const std::int64_t inner = std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end(),
                                             std::int64_t{1}, std::multiplies<>());
  const auto source = weights.data<float>();
  WeightScale result{Tensor(DType::i8, shape), Tensor(DType::f32, Shape{channels})};
  auto scale = result.scale.data<float>();
  std::fill(scale.begin(), scale.end(), 0.0f);
  const auto channel = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<std::int64_t>(i) / inner % channels);
  };
  for (std::size_t i = 0; i < source.size(); ++i) scale[channel(i)] = std::max(scale[channel(i)], std::abs(source[i]));
  for (auto& value : scale) value = value > 0 ? std::max(value / 127, 1e-30f) : 1.0f;
  auto target = result.quantised.data<std::int8_t>();
  for (std::size_t i = 0; i < source.size(); ++i)
    target[i] = static_cast<std::int8_t>(std::clamp(std::nearbyint(source[i] / scale[channel(i)]), -127.0f, 127.0f));
  return result;
}

struct Scale {
  float scale = 1;
  int zero = 0;
};

Scale scale_of(const Range& range, bool symmetric) {
  if (symmetric) {
    const float largest = std::max(-range.low, range.high);
    return {largest > 0 ? largest / 127 : 1.0f, 0};
  }
  const float width = range.high - range.low;
  if (width <= 0) return {1.0f, 0};
  const float scale = width / 255;
  return {scale, static_cast<int>(std::clamp(std::nearbyint(-range.low / scale), 0.0f, 255.0f))};
}

}  // namespace

std::vector<std::vector<ValueId>> values_to_quantize(const Graph& graph) {
  const auto producer = graph.producers();
  const auto users = graph.users();
  std::vector<char> wanted(graph.values.size(), 0);
  const auto want = [&](ValueId id) {
    if (id == kNoValue || graph.value(id).is_constant() || wanted[static_cast<std::size_t>(id)]) return false;
    const auto dtype = graph.value(id).type.dtype;
    if (dtype != DType::f32 && dtype != DType::none) return false;
    wanted[static_cast<std::size_t>(id)] = 1;
    return true;
  };
  // A product feeding only an Add runs into it (the sum happens before rounding); the Add's other operand is read as 8
  // bits.
  const auto runs_into_add = [&](ValueId id) {
    const int made_by = producer[static_cast<std::size_t>(id)];
    return made_by >= 0 && is_product(graph, graph.nodes[static_cast<std::size_t>(made_by)]) &&
           users[static_cast<std::size_t>(id)].size() == 1;
  };
  for (const auto& node : graph.nodes) {
    if (is_product(graph, node)) want(node.inputs[0]);
    if (node.op != "Add") continue;
    const ValueId a = node.inputs[0], b = node.inputs[1];
    if (graph.value(a).is_constant() || graph.value(b).is_constant()) continue;
    const bool a_runs = runs_into_add(a), b_runs = runs_into_add(b);
    if (!a_runs && !b_runs) continue;
    const auto place = [&](ValueId id) { return producer[static_cast<std::size_t>(id)]; };
    const ValueId absorbed = a_runs && b_runs ? (place(a) > place(b) ? a : b) : a_runs ? a : b;
    want(absorbed == a ? b : a);
  }
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

std::size_t insert_qdq(Graph& graph, const std::map<ValueId, Range>& ranges, bool symmetric) {
  std::map<ValueId, ValueId> dequantised;  // the DequantizeLinear output -> the value it stands for
  for (const auto& [id, range] : ranges) {
    const Scale scale = scale_of(range, symmetric);
    const std::string name = graph.value(id).name;
    const ValueId scale_id = graph.add_constant(name + "_scale", Tensor::scalar(scale.scale));
    const ValueId zero_id =
        graph.add_constant(name + "_zero_point", symmetric ? Tensor::scalar<std::int8_t>(0)
                                                           : Tensor::scalar(static_cast<std::uint8_t>(scale.zero)));
    const std::size_t old_nodes = graph.nodes.size();
    const ValueId quantised = graph.add_node("QuantizeLinear", {id, scale_id, zero_id}, {}, name + "_quantized");
    const ValueId back = graph.add_node("DequantizeLinear", {quantised, scale_id, zero_id}, {}, name + "_dequantized");
    for (std::size_t i = 0; i < old_nodes; ++i)
      if (graph.nodes[i].op != "QuantizeLinear" || graph.nodes[i].inputs[0] != id)
        std::replace(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end(), id, back);
    dequantised[back] = id;
  }
  std::size_t products = 0;
  const std::size_t count = graph.nodes.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Node node = graph.nodes[i];
    if (!is_product(graph, node)) continue;
    const auto source = dequantised.find(node.inputs[0]);
    if (source == dequantised.end()) continue;
    const float x_scale = scale_of(ranges.at(source->second), symmetric).scale;
    const std::string name = graph.value(node.inputs[1]).name;
    const std::size_t axis = channel_axis(node);
    const auto weights = quantize_weights(graph.value(node.inputs[1]).constant, axis);
    const auto channels = static_cast<std::size_t>(weights.scale.count());
    Attributes axis_attribute;
    axis_attribute.set("axis", static_cast<std::int64_t>(axis));
    const ValueId scale_id = graph.add_constant(name + "_scale", weights.scale);
    const ValueId zero_id = graph.add_constant(
        name + "_zero_point",
        Tensor::from<std::int8_t>(Shape{weights.scale.count()}, std::vector<std::int8_t>(channels, 0)));
    const ValueId quantised = graph.add_constant(name + "_quantized", weights.quantised);
    graph.nodes[i].inputs[1] =
        graph.add_node("DequantizeLinear", {quantised, scale_id, zero_id}, axis_attribute, name + "_dequantized");
    ++products;
    if (node.inputs.size() < 3 || node.inputs[2] == kNoValue) continue;
    const Value& bias = graph.value(node.inputs[2]);
    if (!bias.is_constant() || bias.constant.shape() != Shape{weights.scale.count()}) continue;
    const std::string bias_name = bias.name;
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
