#include "quant/quantize.h"

#include <algorithm>

#include "base/clock.h"
#include "base/interrupt.h"
#include "data/loader.h"
#include "engine/session.h"
#include "passes/pass.h"

namespace halftone {
namespace {

/// Runs the images through the graph with every value of interest as an output, and counts what passes.
std::map<ValueId, Histogram> observe(const Graph& simplified, const std::vector<std::vector<ValueId>>& groups,
                                     std::shared_ptr<Backend> backend, const Dataset& images,
                                     const Preprocess& preprocess, const QuantizeOptions& options,
                                     QuantizedModel& model) {
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
  BuildOptions build_options;
  build_options.batches = {options.batch};
  build_options.threads = options.threads;
  build_options.tune = false;
  const auto engine = build(graph, backend, build_options);
  Session session(engine);
  BatchLoader loader(
      images, preprocess,
      {.batch = options.batch, .threads = engine->threads(), .skip_unreadable = options.skip_unreadable});
  while (auto batch = loader.next()) {
    check_interrupted();
    const auto outputs = session.run(std::span<const Tensor>(&batch->images, 1));
    const auto part = [&](const Tensor& tensor) {  // the rows that hold images
      const auto all = tensor.data<float>();
      return all.first(all.size() / static_cast<std::size_t>(options.batch) * static_cast<std::size_t>(batch->count));
    };
    if (const auto found = histograms.find(input); found != histograms.end()) found->second.add(part(batch->images));
    for (std::size_t i = 0; i < watched.size(); ++i) histograms[watched[i]].add(part(outputs[i]));
    model.images += static_cast<std::size_t>(batch->count);
    if (options.progress) options.progress(model.images + loader.skipped().size(), images.size());
  }
  for (const auto& item : loader.skipped()) model.skipped.push_back(item.reason);
  return histograms;
}

}  // namespace

QuantizedModel quantize(const Graph& source, std::shared_ptr<Backend> backend, const Dataset& images,
                        const Preprocess& preprocess, const QuantizeOptions& options) {
  const double start = now_seconds();
  if (images.size() == 0) fail(Code::invalid_argument, "{}: no images to calibrate with", images.path());
  QuantizedModel model;
  model.graph = source;
  for (const auto& node : source.nodes)
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear")
      fail(Code::invalid_argument, "the model is quantised already (node '{}' is a {})", node.name, node.op);
  if (source.inputs.size() != 1)
    fail(Code::unsupported, "calibrating with images needs a model with one input, this one has {}",
         source.inputs.size());
  infer_types(model.graph);
  simplify(model.graph);
  infer_types(model.graph);
  const auto groups = values_to_quantize(model.graph);
  if (groups.empty())
    fail(Code::invalid_argument, "the model has no Conv, Gemm or MatMul with constant weights: nothing to quantise");
  const auto histograms = observe(model.graph, groups, std::move(backend), images, preprocess, options, model);
  if (model.images == 0) fail(Code::invalid_argument, "{}: none of the images could be read", images.path());

  std::map<ValueId, Range> ranges;
  for (const auto& group : groups) {
    Histogram together;
    for (const auto id : group) {
      const auto& histogram = histograms.at(id);
      if (histogram.not_finite() > 0)
        fail(Code::invalid_model, "tensor '{}' has {} values that are not finite", model.graph.value(id).name,
             histogram.not_finite());
      together.merge(histogram);
    }
    const Range chosen = together.range(options.calibrator, options.percentile, options.symmetric);
    const std::string& name = model.graph.value(group.front()).name;
    if (chosen.low == chosen.high)
      model.warnings.push_back(fmt::format("tensor '{}' is always 0 on the calibration images", name));
    model.tensors.push_back({name, {together.low(), together.high()}, chosen});
    for (const auto id : group) ranges[id] = chosen;
  }
  model.convolutions = insert_qdq(model.graph, ranges, options.symmetric);
  infer_types(model.graph);
  model.graph.verify();
  model.graph.metadata["halftone.calibrator"] = std::string(name(options.calibrator));
  model.graph.metadata["halftone.calibration_images"] = std::to_string(model.images);
  model.graph.metadata["halftone.preprocess"] = preprocess.text();
  model.seconds = now_seconds() - start;
  return model;
}

}  // namespace halftone
