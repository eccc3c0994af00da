#include "quant/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "quant/noise_sum.h"
#include "quant/product.h"

namespace halftone {
namespace {

/// The scores as probabilities: as they are where they are non-negative and add up to 1, else through a softmax.
std::vector<double> probabilities(std::span<const float> scores) {
  std::vector<double> result(scores.begin(), scores.end());
  double sum = 0;
  bool proper = true;
  for (const double value : result) {
    sum += value;
    proper = proper && value >= 0;
  }
  if (proper && std::abs(sum - 1) < 1e-3) return result;
  const double largest = *std::max_element(result.begin(), result.end());
  sum = 0;
  for (double& value : result) sum += value = std::exp(value - largest);
  for (double& value : result) value /= sum;
  return result;
}

}  // namespace

double LayerCost::snr() const { return noise > 0 ? -10 * std::log10(noise) : std::numeric_limits<double>::infinity(); }

Graph mixed_graph(const CalibratedModel& model, const std::map<std::string, Precision>& precisions) {
  std::set<std::string> keep_float;
  std::string bf16, fp16;
  for (const auto& name : products_of(model.graph)) {
    const auto found = precisions.find(name);
    const auto precision = found == precisions.end() ? Precision::fp32 : found->second;
    if (precision != model.lowest()) keep_float.insert(name);
    if (precision == Precision::bf16) bf16 += name + "\n";
    if (precision == Precision::fp16) fp16 += name + "\n";
  }
  Graph graph = quantize_all_but(model, keep_float).graph;
  if (!bf16.empty()) graph.metadata[kBf16Layers] = bf16;
  if (!fp16.empty()) graph.metadata[kFp16Layers] = fp16;
  return graph;
}

LayerCost compare_scores(const Evaluation& lowered, const Evaluation& baseline) {
  LayerCost cost;
  const auto classes = static_cast<std::size_t>(baseline.classes);
  NoiseSum noise;
  double lost = 0;
  std::size_t images = 0;
  for (std::size_t i = 0; i < baseline.predictions.size(); ++i) {
    if (lowered.predictions[i] < 0 || baseline.predictions[i] < 0) continue;
    cost.changed += lowered.predictions[i] != baseline.predictions[i];
    const std::span<const float> y = std::span(lowered.scores).subspan(i * classes, classes);
    const std::span<const float> exact = std::span(baseline.scores).subspan(i * classes, classes);
    noise.add(y, exact);
    const auto at = static_cast<std::size_t>(baseline.predictions[i]);
    lost += probabilities(exact)[at] - probabilities(y)[at];
    ++images;
  }
  cost.noise = noise.ratio();
  cost.points = images > 0 ? 100 * lost / static_cast<double>(images) : 0;
  return cost;
}

void measure_sensitivity(const CalibratedModel& model, const std::shared_ptr<Backend>& backend, const Dataset& images,
                         const Preprocess& preprocess, const SensitivityOptions& options, std::vector<Layer>& layers) {
  auto build_options = options.build;
  build_options.tune = false;
  build_options.progress = nullptr;
  EvalOptions eval_options;
  eval_options.keep_scores = true;
  eval_options.use_labels = false;
  eval_options.skip_unreadable = options.skip_unreadable;
  const auto evaluate = [&](const Graph& graph) {
    return evaluate_accuracy(halftone::build(graph, backend, build_options), images, preprocess, eval_options);
  };
  const auto baseline = evaluate(mixed_graph(model, {}));
  std::size_t done = 0;
  for (auto& layer : layers)
    for (const auto precision : options.precisions) {
      layer.cost[precision] = compare_scores(evaluate(mixed_graph(model, {{layer.name, precision}})), baseline);
      if (options.progress) options.progress(++done, layers.size() * options.precisions.size());
    }
}

}  // namespace halftone
