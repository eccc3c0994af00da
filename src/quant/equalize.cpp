#include "quant/equalize.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quant/image_run.h"
#include "quant/product.h"

namespace halftone {
namespace {

constexpr double kMostRescaled = 32;  // a channel against the geometric mean
constexpr double kWorthwhile = 0.5;   // of the noise before; for less, what a network makes of it is left to chance

/// The Conv behind a value, through a Relu whose input nothing else reads; or -1.
int maker_of(const Graph& graph, const std::vector<int>& producers, const std::vector<std::vector<int>>& users,
             ValueId id) {
  int at = producers[static_cast<std::size_t>(id)];
  if (at >= 0 && graph.nodes[static_cast<std::size_t>(at)].op == "Relu") {
    const ValueId before = graph.nodes[static_cast<std::size_t>(at)].inputs[0];
    if (users[static_cast<std::size_t>(before)].size() != 1) return -1;
    at = producers[static_cast<std::size_t>(before)];
  }
  if (at < 0) return -1;
  const Node& node = graph.nodes[static_cast<std::size_t>(at)];
  if (node.op != "Conv" || !is_product(graph, node)) return -1;
  const bool fixed_bias =
      node.inputs.size() > 2 && node.inputs[2] != kNoValue &&
      (!graph.value(node.inputs[2]).is_constant() || graph.value(node.inputs[2]).constant.dtype() != DType::f32);
  return fixed_bias ? -1 : at;
}

/// Calls visit(index in the weights, input channel, output channel) for every weight of a Conv or Gemm.
template <typename Visit>
void for_each_weight(const Graph& graph, const Node& node, Visit visit) {
  const Shape& shape = graph.value(node.inputs[1]).constant.shape();
  const auto total = static_cast<std::size_t>(shape.count());
  if (node.op == "Gemm") {
    const auto columns = static_cast<std::size_t>(shape[1]);
    const bool rows_are_outputs = channel_axis(node) == 0;
    for (std::size_t i = 0; i < total; ++i)
      rows_are_outputs ? visit(i, i % columns, i / columns) : visit(i, i / columns, i % columns);
    return;
  }
  const auto outputs = static_cast<std::size_t>(shape[0]), inputs = static_cast<std::size_t>(shape[1]);
  const auto inner = total / (outputs * inputs);
  const auto group = static_cast<std::size_t>(node.attributes.get_int("group", 1));
  const auto outputs_a_group = std::max<std::size_t>(1, outputs / group);
  for (std::size_t i = 0; i < total; ++i) {
    const auto output = i / (inputs * inner);
    visit(i, output / outputs_a_group * inputs + i / inner % inputs, output);
  }
}

ValueId scaled_constant(Graph& graph, ValueId id, const std::vector<float>& factors) {
  Tensor tensor = graph.value(id).constant.clone();
  auto data = tensor.data<float>();
  for (std::size_t i = 0; i < data.size(); ++i) data[i] *= factors[i];
  return graph.add_constant(graph.value(id).name + "_equalized", std::move(tensor));
}

/// What calibration saw of each channel of a value.
struct Channels {
  std::vector<double> range;   // the largest magnitude on an image, averaged over images
  std::vector<double> square;  // the mean square
};

std::vector<Channels> watch_channels(const Graph& graph, const std::vector<ValueId>& values,
                                     const std::shared_ptr<Backend>& backend, const Dataset& images,
                                     const Preprocess& preprocess, const QuantizeOptions& options) {
  Graph watched = graph;
  watched.outputs = values;
  std::vector<Channels> seen(values.size());
  std::size_t count = 0;
  ImageRun run(watched, backend, images, preprocess, options);
  while (run.next()) {
    const auto outputs = run.outputs();
    for (std::size_t v = 0; v < values.size(); ++v) {
      const auto data = outputs[v].data<float>();
      const auto channels = static_cast<std::size_t>(outputs[v].shape()[1]);
      const std::size_t inner = data.size() / static_cast<std::size_t>(options.batch) / channels;
      seen[v].range.resize(channels, 0);
      seen[v].square.resize(channels, 0);
      for (std::size_t i = 0; i < run.images() * channels; ++i) {
        float largest = 0, squares = 0;
        for (const float value : data.subspan(i * inner, inner)) {
          largest = std::max(largest, std::abs(value));
          squares += value * value;
        }
        seen[v].range[i % channels] += static_cast<double>(largest);
        seen[v].square[i % channels] += static_cast<double>(squares) / static_cast<double>(inner);
      }
    }
    count += run.images();
  }
  for (auto& item : seen)
    for (auto* list : {&item.range, &item.square})
      for (auto& value : *list) value /= static_cast<double>(std::max<std::size_t>(1, count));
  return seen;
}

/// Tries factors on one value.
class Equalizer {
 public:
  Equalizer(const Graph& graph, std::vector<const Node*> readers, const Channels& seen)
      : graph_(graph), readers_(std::move(readers)), seen_(seen), weights_(seen.range.size(), 0) {
    for (const Node* reader : readers_) {
      const auto data = weights_of(*reader);
      for_each_weight(graph_, *reader, [&](std::size_t i, std::size_t channel, std::size_t) {
        weights_[channel] = std::max(weights_[channel], static_cast<double>(std::abs(data[i])));
      });
    }
  }

  /// range^share / weight^(1 - share), around a geometric mean of 1; 1 for channels that are never used.
  std::vector<float> factors(double share) const {
    std::vector<double> logs(weights_.size(), 0);
    std::vector<char> used(weights_.size(), 0);
    double sum = 0, count = 0;
    for (std::size_t c = 0; c < logs.size(); ++c) {
      used[c] = seen_.range[c] > 0 && weights_[c] > 0 && std::isfinite(seen_.range[c]);
      if (!used[c]) continue;
      logs[c] = share * std::log(seen_.range[c]) - (1 - share) * std::log(weights_[c]);
      sum += logs[c];
      count += 1;
    }
    const double most = std::log(kMostRescaled);
    std::vector<float> result(logs.size(), 1);
    for (std::size_t c = 0; c < logs.size(); ++c)
      if (used[c]) result[c] = static_cast<float>(std::exp(std::clamp(logs[c] - sum / count, -most, most)));
    return result;
  }

  /// The rounding noise that 8 bits put into what reads the value, up to a constant: the value's step times its
  /// readers' weights, and their weights' steps times the value.
  double noise(const std::vector<float>& factors) const {
    double range = 0;
    for (std::size_t c = 0; c < factors.size(); ++c)
      range = std::max(range, seen_.range[c] / static_cast<double>(factors[c]));
    const double step = range / 255;
    double total = 0;
    for (const Node* reader : readers_) {
      const auto data = weights_of(*reader);
      std::map<std::size_t, std::pair<double, double>> outputs;  // the largest weight, the sum of squares it meets
      for_each_weight(graph_, *reader, [&](std::size_t i, std::size_t channel, std::size_t output) {
        const auto factor = static_cast<double>(factors[channel]);
        const double weight = static_cast<double>(data[i]) * factor;
        auto& [largest, squares] = outputs[output];
        largest = std::max(largest, std::abs(weight));
        squares += seen_.square[channel] / (factor * factor);
        total += step * step * weight * weight;
      });
      for (const auto& [output, sums] : outputs) total += sums.first * sums.first / (127.0 * 127.0) * sums.second;
    }
    return total;
  }

 private:
  std::span<const float> weights_of(const Node& reader) const {
    return std::as_const(graph_.value(reader.inputs[1]).constant).data<float>();
  }

  const Graph& graph_;
  std::vector<const Node*> readers_;
  const Channels& seen_;
  std::vector<double> weights_;  // the largest that reads each channel
};

}  // namespace

std::vector<ValueId> values_to_equalize(const Graph& graph) {
  const auto producers = graph.producers();
  const auto users = graph.users();
  std::vector<ValueId> found;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (users[i].empty() || maker_of(graph, producers, users, id) < 0) continue;
    const bool free = std::all_of(users[i].begin(), users[i].end(), [&](int user) {
      if (user < 0) return false;
      const Node& node = graph.nodes[static_cast<std::size_t>(user)];
      return (node.op == "Conv" || node.op == "Gemm") && is_product(graph, node) && node.inputs[0] == id;
    });
    if (free && graph.value(id).type.shape.rank() >= 2) found.push_back(id);
  }
  return found;
}

void rescale_channels(Graph& graph, ValueId value, const std::vector<float>& factors) {
  const auto producers = graph.producers();
  const auto users = graph.users();
  Node& maker = graph.nodes[static_cast<std::size_t>(maker_of(graph, producers, users, value))];
  const auto count = static_cast<std::size_t>(graph.value(maker.inputs[1]).constant.count());
  std::vector<float> down(count);
  for (std::size_t i = 0; i < count; ++i) down[i] = 1 / factors[i / (count / factors.size())];
  maker.inputs[1] = scaled_constant(graph, maker.inputs[1], down);
  if (maker.inputs.size() > 2 && maker.inputs[2] != kNoValue) {
    down.resize(factors.size());
    for (std::size_t c = 0; c < factors.size(); ++c) down[c] = 1 / factors[c];
    maker.inputs[2] = scaled_constant(graph, maker.inputs[2], down);
  }
  for (const int user : users[static_cast<std::size_t>(value)]) {
    Node& reader = graph.nodes[static_cast<std::size_t>(user)];
    std::vector<float> up(static_cast<std::size_t>(graph.value(reader.inputs[1]).constant.count()));
    for_each_weight(graph, reader, [&](std::size_t i, std::size_t channel, std::size_t) { up[i] = factors[channel]; });
    reader.inputs[1] = scaled_constant(graph, reader.inputs[1], up);
  }
}

std::size_t equalize(Graph& graph, const std::shared_ptr<Backend>& backend, const Dataset& images,
                     const Preprocess& preprocess, const QuantizeOptions& options) {
  const auto values = values_to_equalize(graph);
  if (values.empty()) return 0;
  const auto seen = watch_channels(graph, values, backend, images, preprocess, options);
  const auto users = graph.users();
  std::size_t rescaled = 0;
  for (std::size_t v = 0; v < values.size(); ++v) {
    std::vector<const Node*> readers;
    for (const int user : users[static_cast<std::size_t>(values[v])])
      readers.push_back(&graph.nodes[static_cast<std::size_t>(user)]);
    const Equalizer equalizer(graph, readers, seen[v]);
    const std::vector<float> plain(seen[v].range.size(), 1);
    auto best = plain;
    double least = kWorthwhile * equalizer.noise(plain);
    for (const double share : {0.25, 0.5, 0.75, 1.0}) {
      auto factors = equalizer.factors(share);
      const double noise = equalizer.noise(factors);
      if (!(noise < least)) continue;
      least = noise;
      best = std::move(factors);
    }
    if (best == plain) continue;
    rescale_channels(graph, values[v], best);
    ++rescaled;
  }
  return rescaled;
}

}  // namespace halftone
