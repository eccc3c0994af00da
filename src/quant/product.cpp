#include "quant/product.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quant/float8_plan.h"

namespace halftone {

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

std::size_t channel_axis(const Node& node) {
  if (node.op == "Conv") return 0;
  return node.op == "Gemm" && node.attributes.get_int("transB", 0) != 0 ? 0 : 1;
}

std::vector<RunningSum> sums_of(const Graph& graph) {
  const auto producer = graph.producers();
  const auto users = graph.users();
  std::vector<RunningSum> sums;
  const auto maker = [&](ValueId id) { return producer[static_cast<std::size_t>(id)]; };
  const auto runs_into_add = [&](ValueId id) {
    return maker(id) >= 0 && is_product(graph, graph.nodes[static_cast<std::size_t>(maker(id))]) &&
           users[static_cast<std::size_t>(id)].size() == 1;
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op != "Add") continue;
    const ValueId a = node.inputs[0], b = node.inputs[1];
    if (graph.value(a).is_constant() || graph.value(b).is_constant()) continue;
    const bool a_runs = runs_into_add(a), b_runs = runs_into_add(b);
    if (!a_runs && !b_runs) continue;
    const ValueId absorbed = a_runs && b_runs ? (maker(a) > maker(b) ? a : b) : a_runs ? a : b;
    sums.push_back({static_cast<int>(i), maker(absorbed), absorbed == a ? b : a});
  }
  return sums;
}

int moved_padding(const Graph& graph, const std::vector<int>& producers, const Node& product) {
  const auto maker = [&](ValueId id) { return producers[static_cast<std::size_t>(id)]; };
  const auto node = [&](int index) -> const Node& { return graph.nodes[static_cast<std::size_t>(index)]; };
  const int pad = maker(product.inputs[0]);
  if (pad < 0 || node(pad).op != "Pad" || product.op != "Conv") return -1;
  const double value = node(pad).attributes.get_float("constant_value", 0);
  int at = maker(node(pad).inputs[0]);
  while (at >= 0 && (node(at).op == "MaxPool" || node(at).op == "Concat")) at = maker(node(at).inputs[0]);
  const bool moved = value < 0 && at >= 0 && node(at).op == "Clip" && node(at).attributes.has("min") &&
                     node(at).attributes.get_float("min", 0) == value;
  return moved ? pad : -1;
}

ValueId rounded_input(const Graph& graph, const std::vector<int>& producers, const Node& product) {
  const int pad = moved_padding(graph, producers, product);
  return pad < 0 ? product.inputs[0] : graph.nodes[static_cast<std::size_t>(pad)].inputs[0];
}

namespace {

Tensor int8_scales(const Tensor& weights, std::size_t axis, const Lattice* lattice) {
  Tensor scales(DType::f32, Shape{weights.shape()[axis]});
  auto values = scales.data<float>();
  std::fill(values.begin(), values.end(), 0.0f);
  each_run(weights, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
    for (const float weight : weights.data<float>().subspan(first, count))
      values[channel] = std::max(values[channel], std::abs(weight));
  });
  for (auto& value : values) {
    value = value > 0 ? std::max(value / 127, 1e-30f) : 1.0f;
    if (lattice) value = lattice->weight_scale(value);
  }
  return scales;
}

}  // namespace

QuantizedWeights quantize_weights(const Tensor& weights, std::size_t axis, bool fp8, const Lattice* lattice) {
  QuantizedWeights result{Tensor(fp8 ? DType::f8e4m3 : DType::i8, weights.shape()),
                          fp8 ? float8_scales(weights, axis) : int8_scales(weights, axis, lattice)};
  const auto source = weights.data<float>(), scale = std::as_const(result.scale).data<float>();
  each_run(weights, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      const float steps = source[i] / scale[channel];
      if (fp8) result.data.data<Float8>()[i] = Float8(steps);
      else
        result.data.data<std::int8_t>()[i] =
            static_cast<std::int8_t>(std::clamp(std::nearbyint(steps), -127.0f, 127.0f));
    }
  });
  return result;
}

QuantizedWeights weights_of(const Graph& graph, const Node& product,
                            const std::map<std::string, QuantizedWeights>& chosen, bool fp8, const Lattice* lattice) {
  const auto found = chosen.find(product.name);
  if (found != chosen.end()) return found->second;
  return quantize_weights(graph.value(product.inputs[1]).constant, channel_axis(product), fp8, lattice);
}

Tensor dequantize_weights(const QuantizedWeights& weights, std::size_t axis) {
  Tensor values = weights.data.to(DType::f32);
  const auto scale = weights.scale.data<float>();
  auto data = values.data<float>();
  each_run(values, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) data[i] *= scale[channel];
  });
  return values;
}

ActivationScale activation_scale(const Range& range, bool symmetric, bool fp8) {
  if (symmetric || fp8) {
    const float largest = std::max(-range.low, range.high);
    return {largest > 0 ? largest / (fp8 ? kLargestFloat8 : 127) : 1.0f, 0};
  }
  const float width = range.high - range.low;
  if (width <= 0) return {1.0f, 0};
  // A zero point between two integers would put every pixel of a range like [-1, 1] half way between two bytes, where
  // the last bit of a float decides: it is rounded, and the step grows by what lets both ends be stored.
  const float zero = std::clamp(std::nearbyint(-range.low / (width / 255)), 0.0f, 255.0f);
  const float below = zero > 0 ? -range.low / zero : 0, above = zero < 255 ? range.high / (255 - zero) : 0;
  return {std::max(below, above), static_cast<int>(zero)};
}

Tensor zero_point(const ActivationScale& scale, bool symmetric, bool fp8) {
  if (fp8) return Tensor::scalar(Float8());
  if (symmetric) return Tensor::scalar<std::int8_t>(0);
  return Tensor::scalar(static_cast<std::uint8_t>(scale.zero));
}

std::vector<std::string> products_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes)
    if (is_product(graph, node)) names.push_back(node.name);
  return names;
}

}  // namespace halftone
