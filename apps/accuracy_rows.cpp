#include "apps/accuracy_rows.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace halftone {

std::optional<Calibrator> calibrator_from(const std::string& method) {
  if (method.empty()) return std::nullopt;
  const auto calibrator = parse_calibrator(method);
  if (!calibrator) fail(Code::invalid_argument, "method '{}': minmax, percentile, entropy and mse are known", method);
  return calibrator;
}

std::string calibrator_of(const Graph& graph) {
  const auto found = graph.metadata.find("halftone.calibrator");
  return found == graph.metadata.end() ? "others" : found->second;
}

void add_method(CLI::App& verb, std::string& method) {
  verb.add_option("--method", method,
                  "How a tensor's range is chosen: minmax, percentile, entropy, mse (default entropy, and mse where "
                  "activations are signed)");
}

void check_labels(const Graph& graph, const Dataset& dataset) {
  if (!dataset.labelled())
    fail(Code::invalid_argument, "{}: the images have no labels (labels.txt, or one folder a class)", dataset.path());
  if (graph.outputs.empty()) fail(Code::unsupported, "the model has no outputs");
  const auto& scores = graph.value(graph.outputs.front()).type.shape;
  dataset.check_labels(scores.rank() > 0 ? scores.count() / std::max<std::int64_t>(1, scores[0]) : 1);
}

std::vector<Variant> make_variants(const Graph& graph, const std::vector<Precision>& precisions,
                                   const std::shared_ptr<Backend>& backend, const Preprocess& preprocess,
                                   Calibration calibration, bool quiet) {
  std::vector<Variant> variants;
  for (const auto precision : precisions) {
    const auto quantized = quantized_to(graph);
    if (quantized || float_precision(precision) == precision) {
      if (quantized && precision != *quantized)
        fail(Code::invalid_argument, "the model is quantised: it runs in {}, not in {}", name(*quantized),
             name(precision));
      variants.push_back({precision, graph});
      continue;
    }
    if (calibration.path.empty())
      fail(Code::invalid_argument, "{} needs calibration images: --calib DIR", name(precision));
    calibration.options.progress = staged_progress(quiet);
    calibration.options.fp8 = precision == Precision::fp8;
    calibration.options.symmetric |= backend->has("symmetric_int8");
    const auto plan =
        calibrate(graph, backend, open_dataset(calibration.path).evenly_spaced(500), preprocess, calibration.options);
    for (const auto& reason : plan.skipped) fmt::print(stderr, "halftone: skipped {}\n", reason);
    for (const auto& warning : plan.warnings) fmt::print(stderr, "halftone: warning: {}\n", warning);
    variants.push_back({precision, quantize(plan).graph});
  }
  return variants;
}

Accuracy accuracy_of(const Evaluation& evaluation, const Evaluation* baseline, const Dataset& dataset) {
  Accuracy accuracy{evaluation.images, evaluation.top1, evaluation.top5, std::nullopt};
  if (!baseline) return accuracy;
  Accuracy::Change change;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const auto here = evaluation.predictions[i], there = baseline->predictions[i];
    if (here < 0 || there < 0) continue;
    const auto label = dataset.items()[i].label;
    change.agree += here == there;
    change.lost += label && there == *label && here != *label;
    change.gained += label && there != *label && here == *label;
  }
  accuracy.change = change;
  return accuracy;
}

Machine describe_machine(Backend& backend, int threads, bool with_peaks) {
  const auto& info = backend.info();
  Machine machine;
  machine.name = info.name;
  machine.cores = info.cores;
  machine.features = info.features;
  machine.memory_bytes = info.memory_bytes;
  if (with_peaks) {
    const Peaks& peaks = backend.peaks(threads);
    for (const auto& [precision, flops] : peaks.flops)
      if (flops > 0) machine.peaks[std::string(name(precision))] = flops;
    for (const auto& level : peaks.bandwidth) machine.bandwidth[level.level] = level.read;
  }
  return machine;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string command_line() {
  std::string text;
  std::string word;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  for (char c; file.get(c);) {
    if (c != '\0') {
      word += c;
      continue;
    }
    const bool is_path = word.starts_with('/') || word.starts_with("./") || word.starts_with("../") || text.empty();
    text += (text.empty() ? "" : " ") + (is_path ? std::filesystem::path(word).filename().string() : word);
    word.clear();
  }
  return text;
}

}  // namespace halftone
