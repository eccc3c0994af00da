#include "quant/quantize.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "passes/pass.h"
#include "quant/bias_correction.h"
#include "quant/equalize.h"
#include "quant/float8_noise.h"
#include "quant/float8_plan.h"
#include "quant/image_run.h"
#include "quant/image_watch.h"
#include "quant/product.h"
#include "quant/recentre.h"
#include "quant/weight_rounding.h"

namespace halftone {
namespace {

constexpr std::size_t kFewImages = 64;    // a channel's mean settles sooner than the ends of a tensor's range
constexpr std::size_t kNoiseImages = 16;  // so does the sum of squares over all outputs
constexpr std::size_t kSomeImages = 512;  // thousands of numbers vary together in ways that few images do not show
constexpr float kFitsFp16 = 4096;         // a sixteenth of its largest number

/// Runs the images through the graph with every value of interest as an output, and counts what passes.
std::map<ValueId, Histogram> observe(const Graph& simplified, const std::vector<std::vector<ValueId>>& groups,
                                     std::shared_ptr<Backend> backend, const Dataset& images,
                                     const Preprocess& preprocess, const QuantizeOptions& options,
                                     CalibratedModel& model) {
  Graph graph = simplified;
  std::map<ValueId, Histogram> histograms;
  std::vector<ValueId> watched;
  graph.outputs.clear();
  for (const auto& group : groups)
    for (const auto id : group) {
      histograms[id];
      const bool is_input = std::find(graph.inputs.begin(), graph.inputs.end(), id) != graph.inputs.end();
      if (is_input) continue;  // seen in the batch itself
      graph.outputs.push_back(id);
      watched.push_back(id);
    }
  const ValueId input = graph.inputs.front();
  if (graph.outputs.empty()) graph.outputs = simplified.outputs;
  ImageRun run(graph, backend, images, preprocess, options);
  ImageWatch watch(images, preprocess);
  while (run.next()) {
    watch.see(run.batch());
    const auto outputs = run.outputs();
    const auto part = [&](const Tensor& tensor) {  // the rows that hold images
      const auto all = tensor.data<float>();
      return all.first(all.size() / static_cast<std::size_t>(options.batch) * run.images());
    };
    if (const auto found = histograms.find(input); found != histograms.end())
      found->second.add(part(run.batch().images));
    for (std::size_t i = 0; i < watched.size(); ++i) histograms[watched[i]].add(part(outputs[i]));
    model.images += run.images();
    if (options.progress) options.progress("calibrate", model.images + run.skipped().size(), images.size());
  }
  for (const auto& item : run.skipped()) model.skipped.push_back(item.reason);
  model.warnings = watch.findings();
  return histograms;
}

/// Layers are told apart by their names; a file may leave them out or use one twice.
void name_nodes(Graph& graph) {
  std::set<std::string> taken;
  for (auto& node : graph.nodes) {
    const std::string stem = node.name.empty() ? node.op : node.name;
    node.name = stem;
    for (int i = 1; !taken.insert(node.name).second; ++i) node.name = fmt::format("{}_{}", stem, i);
  }
}

void check_weights(const Graph& graph) {
  for (const auto& node : graph.nodes) {
    if (!is_product(graph, node)) continue;
    for (std::size_t slot = 1; slot < node.inputs.size(); ++slot) {
      if (node.inputs[slot] == kNoValue || graph.value(node.inputs[slot]).constant.dtype() != DType::f32) continue;
      const auto values = graph.value(node.inputs[slot]).constant.data<float>();
      if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
        fail(Code::invalid_model, "node '{}': {} '{}' hold values that are not finite", node.name,
             slot == 1 ? "weights" : "biases", graph.value(node.inputs[slot]).name);
    }
  }
}

/// The first tensor, as the network computes them, with an infinity or NaN.
void check_finite(const Graph& graph, const std::map<ValueId, Histogram>& histograms) {
  const auto refuse = [&](ValueId id, const std::string& maker) {
    const auto found = histograms.find(id);
    if (found != histograms.end() && found->second.not_finite() > 0)
      fail(Code::invalid_model, "{}: its output '{}' has {} values that are not finite", maker, graph.value(id).name,
           found->second.not_finite());
  };
  for (const auto id : graph.inputs) refuse(id, "the input");
  for (const auto& node : graph.nodes)
    for (const auto id : node.outputs) refuse(id, fmt::format("node '{}' ({})", node.name, node.op));
}

/// Whether FP16, which rounds to an eighth of BF16's steps, holds everything that products read, on other images too.
bool fits_fp16(const CalibratedModel& model) {
  return std::all_of(model.ranges.begin(), model.ranges.end(),
                     [](const auto& item) { return -item.second.low <= kFitsFp16 && item.second.high <= kFitsFp16; });
}

}  // namespace

Calibrator default_calibrator(bool symmetric) { return symmetric ? Calibrator::mse : Calibrator::entropy; }

CalibratedModel calibrate(const Graph& source, const std::shared_ptr<Backend>& backend, const Dataset& images,
                          const Preprocess& preprocess, const QuantizeOptions& options) {
  const double start = now_seconds();
  if (images.size() == 0) fail(Code::invalid_argument, "{}: no images to calibrate with", images.path());
  CalibratedModel model;
  model.graph = source;
  model.symmetric = options.symmetric;
  model.fp8 = options.fp8;
  for (const auto& node : source.nodes)
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear")
      fail(Code::invalid_argument, "the model is quantised already (node '{}' is a {})", node.name, node.op);
  if (source.inputs.size() != 1)
    fail(Code::unsupported, "calibrating with images needs a model with one input, this one has {}",
         source.inputs.size());
  infer_types(model.graph);
  simplify(model.graph);
  infer_types(model.graph);
  name_nodes(model.graph);
  check_weights(model.graph);
  const auto groups = values_to_quantize(model.graph);
  if (groups.empty())
    fail(Code::invalid_argument, "the model has no Conv, Gemm or MatMul with constant weights: nothing to quantise");
  if (options.equalize)
    model.equalized = equalize(model.graph, backend, images.evenly_spaced(kFewImages), preprocess, options);
  const auto histograms = observe(model.graph, groups, backend, images, preprocess, options, model);
  if (model.images == 0) fail(Code::invalid_argument, "{}: none of the images could be read", images.path());
  check_finite(model.graph, histograms);

  // A float keeps its precision however far its range reaches, so there is nothing to gain by clipping.
  const auto calibrator =
      options.fp8 ? Calibrator::minmax : options.calibrator.value_or(default_calibrator(options.symmetric));
  for (const auto& group : groups) {
    Histogram together;
    for (const auto id : group) together.merge(histograms.at(id));
    const Range chosen = options.fp8 ? Range{together.low(), together.high()}
                                     : together.range(calibrator, options.percentile, options.symmetric);
    const std::string& name = model.graph.value(group.front()).name;
    if (chosen.low == chosen.high)
      model.warnings.push_back(fmt::format("tensor '{}' is always 0 on the calibration images", name));
    model.tensors.push_back({name, {together.low(), together.high()}, chosen});
    for (const auto id : group) model.ranges[id] = chosen;
  }
  const auto measure_biases = [&] {
    if (options.correct_bias)
      model.bias_errors = measure_bias_errors(model, backend, images.evenly_spaced(kFewImages), preprocess, options);
  };
  if (options.fp8) {
    if (options.fit_weights)
      model.weights = round_weights(model.graph, backend, images.evenly_spaced(kSomeImages), preprocess, options);
    const CalibratedModel still = model;
    const auto move_zeros = [&](const std::set<std::string>& sixteen_bit, bool move_padded) {
      model = still;
      model.sixteen_bit = sixteen_bit;
      model.recentred = recentre(model, histograms, move_padded);
      measure_biases();
    };
    // What stays in 8 bits is known before zero moves under padding, which ties a product to 8 bits.
    auto sixteen_bit = sixteen_bit_products(model.graph);
    if (options.raise_noisy) {
      move_zeros(sixteen_bit, false);
      const auto noise = measure_float8_noise(model, backend, images.evenly_spaced(kNoiseImages), preprocess, options);
      sixteen_bit = raise_noisy_products(model.graph, sixteen_bit, noise);
    }
    move_zeros(sixteen_bit, options.move_padded);
  } else {
    align_sums(model.graph, groups, options.symmetric, model.ranges);
    for (std::size_t i = 0; i < groups.size(); ++i) model.tensors[i].chosen = model.ranges.at(groups[i].front());
    measure_biases();
  }
  model.graph.metadata["halftone.calibrator"] = std::string(name(calibrator));
  model.graph.metadata["halftone.calibration_images"] = std::to_string(model.images);
  model.graph.metadata["halftone.preprocess"] = preprocess.text();
  model.seconds = now_seconds() - start;
  return model;
}

QuantizedModel quantize(const CalibratedModel& model, const std::set<std::string>& chosen_float) {
  auto keep_float = chosen_float;
  std::string names;
  for (const auto& name : model.sixteen_bit)
    if (keep_float.insert(name).second) names += name + "\n";
  auto result = quantize_all_but(model, keep_float);
  if (!names.empty()) result.graph.metadata[fits_fp16(model) ? kFp16Layers : kBf16Layers] = names;
  return result;
}

QuantizedModel quantize_all_but(const CalibratedModel& model, const std::set<std::string>& keep_float) {
  QuantizedModel result{model.graph, 0};
  correct_biases(result.graph, model.bias_errors, keep_float);
  std::map<ValueId, Range> ranges;
  for (const auto& group : values_to_quantize(result.graph, keep_float))
    for (const auto id : group) ranges[id] = model.ranges.at(id);
  if (model.fp8) round_after_pools(result.graph, keep_float, ranges);
  result.products = insert_qdq(result.graph, ranges, model.symmetric, keep_float, model.fp8, model.weights);
  infer_types(result.graph);
  result.graph.verify();
  return result;
}

}  // namespace halftone
