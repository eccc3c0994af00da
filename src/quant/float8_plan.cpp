#include "quant/float8_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/product.h"

namespace halftone {
namespace {

constexpr int kScalesTried = 8;  // in a binade; those of further ones round alike

/// For every value the products it depends on, and those it is made of with none and no sum in between.
struct Origins {
  std::vector<std::set<int>> behind, nearest;
};

Origins origins_of(const Graph& graph) {
  Origins origins{std::vector<std::set<int>>(graph.values.size()), std::vector<std::set<int>>(graph.values.size())};
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    std::set<int> behind, nearest;
    std::size_t operands = 0;
    for (const auto id : node.inputs) {
      if (id == kNoValue || graph.value(id).is_constant()) continue;
      const auto at = static_cast<std::size_t>(id);
      behind.insert(origins.behind[at].begin(), origins.behind[at].end());
      nearest.insert(origins.nearest[at].begin(), origins.nearest[at].end());
      ++operands;
    }
    if (node.op == "Add" && operands > 1) nearest.clear();
    if (is_product(graph, node)) {
      behind.insert(static_cast<int>(i));
      nearest = {static_cast<int>(i)};
    }
    for (const auto id : node.outputs) {
      if (id == kNoValue) continue;
      origins.behind[static_cast<std::size_t>(id)] = behind;
      origins.nearest[static_cast<std::size_t>(id)] = nearest;
    }
  }
  return origins;
}

bool meet(const std::set<int>& a, const std::set<int>& b) {
  return std::any_of(a.begin(), a.end(), [&](int item) { return b.contains(item); });
}

}  // namespace

std::set<std::string> sixteen_bit_products(const Graph& graph) {
  const Origins origins = origins_of(graph);
  const auto& behind = origins.behind;
  const auto& nearest = origins.nearest;
  const auto at = [](ValueId id) { return static_cast<std::size_t>(id); };
  std::set<int> products, first, second, last;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!is_product(graph, node)) continue;
    products.insert(static_cast<int>(i));
    last.insert(static_cast<int>(i));
    if (behind[at(node.inputs[0])].empty()) first.insert(static_cast<int>(i));
    if (meet(nearest[at(node.inputs[0])], first)) second.insert(static_cast<int>(i));
    for (const int before : behind[at(node.inputs[0])]) last.erase(before);
  }
  std::set<int> block = second;
  for (const auto& node : graph.nodes) {
    if (node.op != "Add") continue;
    const auto joins = [&](ValueId id) { return meet(nearest[at(id)], first) || meet(nearest[at(id)], second); };
    const auto& before = behind[at(node.outputs[0])];
    if (joins(node.inputs[0]) || joins(node.inputs[1])) block.insert(before.begin(), before.end());
  }
  std::set<int> chosen;
  for (const auto& more : {first, last, second, block}) {
    std::set<int> all = chosen;
    all.insert(more.begin(), more.end());
    if (2 * all.size() <= products.size()) chosen = std::move(all);
  }
  std::set<std::string> names;
  for (const int index : chosen) names.insert(graph.nodes[at(index)].name);
  return names;
}

Tensor float8_scales(const Tensor& weights, std::size_t axis) {
  const auto channels = static_cast<std::size_t>(weights.shape()[axis]);
  std::vector<std::vector<float>> of(channels);
  each_run(weights, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
    const auto run = weights.data<float>().subspan(first, count);
    of[channel].insert(of[channel].end(), run.begin(), run.end());
  });
  Tensor result(DType::f32, Shape{weights.shape()[axis]});
  auto scales = result.data<float>();
#pragma omp parallel for
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const auto& values = of[channel];
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    double least = std::numeric_limits<double>::max();
    scales[channel] = 1;
    for (int step = 0; step < kScalesTried && largest > 0; ++step) {
      const float scale =
          std::max(largest / kLargestFloat8 * std::exp2(static_cast<float>(step) / kScalesTried), 1e-30f);
      double error = 0;
      for (const float value : values) {
        const float off = static_cast<float>(Float8(value / scale)) * scale - value;
        error += static_cast<double>(off * off);
      }
      if (error < least) least = error, scales[channel] = scale;
    }
  }
  return result;
}

void round_after_pools(const Graph& graph, const std::set<std::string>& keep_float, std::map<ValueId, Range>& ranges) {
  const auto users = graph.users();
  for (const auto& product : graph.nodes) {
    if (!is_product(graph, product) || !keep_float.contains(product.name)) continue;
    for (ValueId value = product.outputs[0]; value != kNoValue;) {
      const auto& readers = users[static_cast<std::size_t>(value)];
      if (readers.size() != 1 || readers[0] < 0) break;
      const Node& reader = graph.nodes[static_cast<std::size_t>(readers[0])];
      if (reader.op == "MaxPool") ranges.erase(value);
      value = reader.op == "Relu" || reader.op == "Clip" ? reader.outputs[0] : kNoValue;
    }
  }
}

}  // namespace halftone
