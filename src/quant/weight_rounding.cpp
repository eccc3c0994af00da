#include "quant/weight_rounding.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/interrupt.h"
#include "graph/ops/convolution.h"
#include "quant/float8_plan.h"
#include "quant/gram.h"
#include "quant/image_run.h"

namespace halftone {
namespace {

constexpr std::size_t kLargest = 8192;                   // numbers an output reads: their covariance takes 256 MB
constexpr std::size_t kTogether = std::size_t{1} << 28;  // floats of covariances gathered in one pass over the images
constexpr std::size_t kSamples = 32768;                  // windows looked at, of all images together
constexpr std::size_t kPrime = 7919;                     // windows lie elsewhere in each image
constexpr std::size_t kRowsTogether = 16;  // rounded at a time, so that a line of the covariance serves them all

float nearest(float value, float scale) { return static_cast<float>(Float8(value / scale)) * scale; }

/// What a product reads, gathered over images.
struct Reading {
  std::size_t node = 0;
  ValueId input = kNoValue;
  std::size_t groups = 1;
  std::size_t numbers = 0;       // that an output reads
  std::vector<Covariance> sums;  // of each group; E[x x^T] times samples until finished
  std::vector<double> means;     // [groups, numbers], summed likewise
  std::vector<float> windows;    // [count, groups * numbers]
  std::size_t floats() const { return groups * numbers * numbers; }
};

/// The product's part in it; numbers 0 where its weights are to be rounded to the nearest.
Reading reading_of(const Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  const Shape& weights = graph.value(node.inputs[1]).constant.shape();
  Reading reading{.node = index, .input = node.inputs[0]};
  if (node.op == "Conv") reading.groups = static_cast<std::size_t>(node.attributes.get_int("group", 1));
  const auto numbers = static_cast<std::size_t>(weights.count() / weights[channel_axis(node)]);
  if (numbers <= kLargest) reading.numbers = numbers;
  return reading;
}

/// Adds `per_image` windows of each of the first `images` pictures of x, spread over their places; all where there are
/// no more.
void add_windows(Reading& reading, const Graph& graph, const Tensor& x, std::size_t images, std::size_t per_image,
                 std::size_t first_image) {
  const Node& node = graph.nodes[reading.node];
  const auto data = x.data<float>();
  const std::size_t width = reading.groups * reading.numbers;
  reading.windows.clear();
  if (node.op != "Conv") {
    const auto rows = data.size() / width / static_cast<std::size_t>(x.shape()[0]) * images;
    reading.windows.assign(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(rows * width));
  } else {
    const auto conv = ops::convolution_of(node.attributes, x.shape(), graph.value(node.inputs[1]).constant.shape());
    const auto places = static_cast<std::size_t>(conv.y.plane);
    const std::size_t taps = reading.numbers / static_cast<std::size_t>(conv.x.c / conv.group);
    std::vector<std::vector<ops::Tap>> read(places);
    ops::for_each_output(conv.windows, [&](std::int64_t o, std::span<const ops::Tap> inside) {
      read[static_cast<std::size_t>(o)].assign(inside.begin(), inside.end());
    });
    const std::size_t some = std::min(per_image, places);
    reading.windows.assign(images * some * width, 0.0f);
#pragma omp parallel for
    for (std::size_t i = 0; i < images; ++i)
      for (std::size_t k = 0; k < some; ++k) {
        const std::size_t place = (k * places / some + (first_image + i) * kPrime) % places;
        float* window = &reading.windows[(i * some + k) * width];
        for (std::int64_t c = 0; c < conv.x.c; ++c)
          for (const auto& tap : read[place])
            window[static_cast<std::size_t>(c) * taps + static_cast<std::size_t>(tap.kernel)] =
                data[conv.x.at(static_cast<std::int64_t>(i), c, tap.position)];
      }
  }
  const std::size_t count = reading.windows.size() / width;
  for (std::size_t w = 0; w < count; ++w)
    for (std::size_t j = 0; j < width; ++j) reading.means[j] += static_cast<double>(reading.windows[w * width + j]);
  for (std::size_t g = 0; g < reading.groups; ++g) {
    Covariance& sum = reading.sums[g];
    add_gram(sum.values.data(), sum.n, &reading.windows[g * reading.numbers], width, count, sum.n);
    sum.samples += count;
  }
}

void finish(Reading& reading) {
  for (std::size_t g = 0; g < reading.groups; ++g) {
    Covariance& sum = reading.sums[g];
    const auto count = static_cast<double>(std::max<std::size_t>(1, sum.samples));
    const double* means = &reading.means[g * sum.n];
    for (std::size_t i = 0; i < sum.n; ++i)
      for (std::size_t j = i; j < sum.n; ++j) {
        float& value = sum.values[i * sum.n + j];
        value = static_cast<float>(static_cast<double>(value) / count - means[i] / count * (means[j] / count));
      }
    mirror(sum.values, sum.n);
  }
}

/// Rounds a product's weights with what was gathered of its input.
QuantizedWeights rounded(const Graph& graph, const Reading& reading) {
  const Node& node = graph.nodes[reading.node];
  const Tensor& weights = graph.value(node.inputs[1]).constant;
  const std::size_t axis = channel_axis(node), n = reading.numbers;
  const auto channels = static_cast<std::size_t>(weights.shape()[axis]);
  std::vector<float> rows(channels * n);
  std::vector<std::size_t> filled(channels, 0);
  each_run(weights, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
    std::copy_n(weights.data<float>().begin() + static_cast<std::ptrdiff_t>(first), count,
                rows.begin() + static_cast<std::ptrdiff_t>(channel * n + filled[channel]));
    filled[channel] += count;
  });
  QuantizedWeights result{Tensor(DType::f8e4m3, weights.shape()), float8_scales(weights, axis)};
  const auto scales = std::as_const(result.scale).data<float>();
  const std::size_t part = channels / reading.groups;
  for (std::size_t g = 0; g < reading.groups; ++g)
    round_rows(std::span(rows).subspan(g * part * n, part * n), scales.subspan(g * part, part), reading.sums[g]);
  std::fill(filled.begin(), filled.end(), 0);
  auto stored = result.data.data<Float8>();
  each_run(weights, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      stored[first + i] = Float8(rows[channel * n + filled[channel]++] / scales[channel]);
  });
  return result;
}

}  // namespace

void round_rows(std::span<float> weights, std::span<const float> scales, const Covariance& covariance) {
  const std::size_t n = covariance.n;
  const double known = static_cast<double>(covariance.samples) / static_cast<double>(n + covariance.samples);
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += static_cast<double>(covariance.values[i * n + i]);
  const auto least = static_cast<float>(std::max(trace / static_cast<double>(n) * 1e-3, 1e-30));
  // The largest last, to be rounded first: what it leaves over can be taken off by all others.
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return covariance.values[a * n + a] < covariance.values[b * n + b];
  });
  std::vector<float> drawn(n * n);
#pragma omp parallel for if (n >= kWorthATeam)
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const float value = covariance.values[order[i] * n + order[j]];
      drawn[i * n + j] = i == j ? value + least : static_cast<float>(known) * value;
    }
  const auto factor = cholesky(drawn, n);
  const std::size_t rows = scales.size();
  if (factor.empty()) {
    for (std::size_t i = 0; i < rows * n; ++i) weights[i] = nearest(weights[i], scales[i / n]);
    return;
  }
#pragma omp parallel if (n >= kWorthATeam)
  {
    std::vector<float> sums(kRowsTogether * n), errors(kRowsTogether * n);
#pragma omp for schedule(dynamic)
    for (std::size_t first = 0; first < rows; first += kRowsTogether) {
      const std::size_t some = std::min(kRowsTogether, rows - first);
      const auto weight = [&](std::size_t r, std::size_t i) -> float& { return weights[(first + r) * n + order[i]]; };
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (std::size_t i = n; i-- > 0;)
        for (std::size_t r = 0; r < some; ++r) {
          const float w = weight(r, i);
          float* sum = &sums[r * n];
          const float error = nearest(w - sum[i] / factor[i * n + i], scales[first + r]) - w;
          errors[r * n + i] = error;
          const float* line = &factor[i * n];
          for (std::size_t j = 0; j < i; ++j) sum[j] += error * line[j];
        }
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t r = 0; r < some; ++r) {
          const float error = errors[r * n + i];
          float* sum = &sums[r * n];
          for (std::size_t j = 0; j < n; ++j) sum[j] += error * drawn[i * n + j];
        }
      for (std::size_t i = n; i-- > 0;)
        for (std::size_t r = 0; r < some; ++r) {
          float* sum = &sums[r * n];
          float& error = errors[r * n + i];
          const float w = weight(r, i);
          const float aim = w + error - sum[i] / drawn[i * n + i];
          const float change = nearest(aim, scales[first + r]) - w - error;
          if (change == 0) continue;
          error += change;
          for (std::size_t j = 0; j < n; ++j) sum[j] += change * drawn[i * n + j];
        }
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t r = 0; r < some; ++r)
          weight(r, i) = nearest(weight(r, i) + errors[r * n + i], scales[first + r]);
    }
  }
}

std::map<std::string, QuantizedWeights> round_weights(const Graph& source, const std::shared_ptr<Backend>& backend,
                                                      const Dataset& images, const Preprocess& preprocess,
                                                      const QuantizeOptions& options) {
  std::vector<Reading> all;
  for (std::size_t i = 0; i < source.nodes.size(); ++i)
    if (is_product(source, source.nodes[i]))
      if (auto reading = reading_of(source, i); reading.numbers > 0) all.push_back(std::move(reading));
  const std::size_t per_image = std::max<std::size_t>(1, kSamples / images.size());
  std::map<std::string, QuantizedWeights> result;
  const auto tell = [&](const char* stage, std::size_t done, std::size_t total) {
    if (options.progress) options.progress(stage, done, total);
  };
  for (std::size_t first = 0; first < all.size();) {
    std::size_t after = first, floats = 0;
    while (after < all.size() && (after == first || floats + all[after].floats() <= kTogether))
      floats += all[after++].floats();
    Graph graph = source;
    graph.outputs.clear();
    std::map<ValueId, std::size_t> output_of;
    for (std::size_t i = first; i < after; ++i) {
      Reading& reading = all[i];
      reading.sums.assign(reading.groups, {reading.numbers, 0, std::vector<float>(reading.numbers * reading.numbers)});
      reading.means.assign(reading.groups * reading.numbers, 0);
      const bool is_input = std::find(graph.inputs.begin(), graph.inputs.end(), reading.input) != graph.inputs.end();
      if (!is_input && output_of.try_emplace(reading.input, graph.outputs.size()).second)
        graph.outputs.push_back(reading.input);
    }
    if (graph.outputs.empty()) graph.outputs = source.outputs;
    ImageRun run(graph, backend, images, preprocess, options);
    std::size_t seen = 0;
    while (run.next()) {
      for (std::size_t i = first; i < after; ++i) {
        const auto output = output_of.find(all[i].input);
        add_windows(all[i], source, output == output_of.end() ? run.batch().images : run.outputs()[output->second],
                    run.images(), per_image, seen);
      }
      seen += run.images();
      tell("look at inputs", seen, images.size());
    }
    for (; first < after; ++first) {
      check_interrupted();
      finish(all[first]);
      const std::string& name = source.nodes[all[first].node].name;
      result.emplace(name, rounded(source, all[first]));
      all[first] = {.node = all[first].node};
      tell("round weights", first + 1, all.size());
    }
  }
  return result;
}

}  // namespace halftone
