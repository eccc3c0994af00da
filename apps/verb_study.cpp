#include <cstdio>
#include <filesystem>
#include <optional>

#include "apps/sweep.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/advice.h"
#include "bench/compare.h"
#include "bench/report.h"
#include "bench/table.h"
#include "onnx/writer.h"

namespace halftone {
namespace {

struct StudyFlags {
  std::string model, data, calibration, preprocess;
  std::string output = "study";
  std::string precisions = "fp32,bf16,int8";
  std::string batches = "1-32";
  std::string method;
  std::string slo;
  std::size_t limit = 0;
  double seconds_per_point = 2;
  bool skip_unreadable = false;
  EngineFlags engine;
};

/// Makes a folder, and the folders around it, before the work whose results go there; those that are still empty at
/// the end, because the work failed, go again.
class OutputFolder {
 public:
  explicit OutputFolder(const std::filesystem::path& folder) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(folder).lexically_normal();
    for (auto at = whole; !at.empty() && !std::filesystem::exists(at, error); at = at.parent_path()) {
      made_.push_back(at);
      if (at == at.parent_path()) break;
    }
    std::filesystem::create_directories(folder, error);
    if (error) {
      take_away();
      fail(Code::io, "{}: cannot create the folder: {}", folder.string(), error.message());
    }
    check_writable(folder / "results.json");
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder() { take_away(); }

 private:
  void take_away() {
    std::error_code error;
    for (const auto& folder : made_) std::filesystem::remove(folder, error);  // fails where something lies in it
  }
  std::vector<std::filesystem::path> made_;  // innermost first
};

/// One precision and what was learnt of it.
struct Candidate {
  Variant variant;
  std::vector<std::shared_ptr<const Engine>> engines;  ///< one a device, until they are measured
  std::string tactics;
  Evaluation evaluation;
};

/// Every precision and batch, the engine alone; the largest batch end to end, too, as evaluated.
void sweep(std::vector<Candidate>& candidates, const DeviceSet& devices, EngineFlags engine_flags,
           const std::vector<std::int64_t>& batches, const StudyFlags& flags, const std::string& model,
           Results& results) {
  std::vector<Contender> contenders;
  engine_flags.quiet = true;
  for (auto& candidate : candidates) {
    const auto precision = candidate.variant.precision;
    const auto again =
        engine_builder(candidate.variant.graph, devices, engine_flags, batches, float_precision(precision));
    const auto build = [&candidate, again] {
      auto engines = std::exchange(candidate.engines, {});
      return engines.empty() ? again() : engines;
    };
    contenders.push_back(make_contender(model, "", precision, build));
  }
  const Protocol protocol{
      .warmup = 5, .iterations = 120, .rounds = 6, .sittings = 6, .seconds = flags.seconds_per_point};
  Sweeper sweeper({protocol, batches, {}, {}, "", flags.engine.quiet}, results);
  sweeper.measure(contenders);
  sweeper.finish();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (auto& result : results.results)
      if (result.precision == name(candidates[i].variant.precision) && result.batch == batches.back())
        result.end_to_end = static_cast<double>(candidates[i].evaluation.images) / candidates[i].evaluation.seconds;
    for (const auto& curve : sweeps_of(results))
      if (curve.precision == name(candidates[i].variant.precision))
        results.profiles.push_back(profile_of(contenders[i], curve.knee().batch));
  }
}

void run(const StudyFlags& flags) {
  const double start = now_seconds();
  const auto slo = flags.slo.empty() ? std::nullopt : std::optional(parse_slo(flags.slo));
  const auto batches = parse_batches(flags.batches);
  auto precisions = parse_precisions(flags.precisions);
  Calibration calibration{flags.calibration, {}};
  calibration.options.calibrator = calibrator_from(flags.method);
  calibration.options.threads = flags.engine.threads;
  calibration.options.skip_unreadable = flags.skip_unreadable;
  const auto model = load_model(flags.model);
  const auto devices = open_devices(flags.engine.device);
  const auto& backend = devices.backends.front();
  auto engine_flags = flags.engine;
  if (engine_flags.threads == 0) engine_flags.threads = devices.threads_each();
  const auto preprocess = preprocess_for(flags.preprocess, model.graph);
  const auto dataset = open_dataset(flags.data).evenly_spaced(flags.limit);
  check_labels(model.graph, dataset);
  if (const auto quantized = quantized_to(model.graph)) precisions = {*quantized};
  const std::filesystem::path folder = flags.output;
  const OutputFolder made(folder);
  std::vector<Candidate> candidates;
  for (auto& variant : make_variants(model.graph, precisions, backend, preprocess, calibration, flags.engine.quiet))
    candidates.push_back({std::move(variant), {}, {}});
  for (auto& candidate : candidates) {
    const auto precision = candidate.variant.precision;
    candidate.engines =
        build_engines(candidate.variant.graph, devices, engine_flags, batches, float_precision(precision));
    EvalOptions options;
    options.skip_unreadable = flags.skip_unreadable;
    options.progress = progress_bar(fmt::format("evaluate {}", name(precision)), flags.engine.quiet);
    SessionTeam team(candidate.engines, 1);
    candidate.evaluation = evaluate_accuracy(team, dataset, preprocess, options);
    candidate.tactics = team.engine().tactics().serialize(backend->info().key);
    for (const auto& reason : candidate.evaluation.skipped) fmt::print(stderr, "halftone: skipped {}\n", reason);
  }
  const std::string model_name = std::filesystem::path(flags.model).stem().string();
  Results results;
  results.machine = describe_machine(*backend, candidates.front().engines.front()->threads(), true);
  results.created = utc_now();
  results.command = command_line();
  sweep(candidates, devices, engine_flags, batches, flags, model_name, results);
  const Candidate* baseline = nullptr;
  for (const auto& candidate : candidates)
    if (candidate.variant.precision == Precision::fp32) baseline = &candidate;
  for (auto& result : results.results)
    for (const auto& candidate : candidates)
      if (result.precision == name(candidate.variant.precision))
        result.accuracy = accuracy_of(candidate.evaluation,
                                      baseline && &candidate != baseline ? &baseline->evaluation : nullptr, dataset);
  results.notes.push_back(fmt::format("Accuracy on {} labelled images of {}, preprocessed as {}.",
                                      candidates.front().evaluation.images,
                                      std::filesystem::path(flags.data).filename().string(), preprocess.text()));
  for (const auto& candidate : candidates)
    if (const auto precision = candidate.variant.precision;
        !is_quantized(model.graph) && float_precision(precision) != precision)
      results.notes.push_back(fmt::format(
          "{} calibrated by {} on at most 500 images of {}.", precision == Precision::fp8 ? "FP8" : "INT8",
          calibrator_of(candidate.variant.graph), std::filesystem::path(flags.calibration).filename().string()));

  std::vector<FileContent> files{{folder / "results.json", to_json(results)},
                                 {folder / "report.html", html_report(study_of(std::span(&results, 1)), slo)}};
  for (const auto& candidate : candidates)
    if (float_precision(candidate.variant.precision) != candidate.variant.precision && !is_quantized(model.graph)) {
      auto plan = candidate.variant.graph;
      plan.metadata[tactic_metadata_key(backend->info())] = candidate.tactics;
      files.push_back(
          {folder / fmt::format("{}.{}.onnx", model_name, name(candidate.variant.precision)), serialize_onnx(plan)});
    }
  write_files(files);
  const int width = terminal_width(stdout);
  fmt::print("{}\n{}\n", results_table(results, model_name, width), accuracy_table(results, model_name, width));
  for (const auto& advice : advise(results, model_name, slo)) fmt::print("{}: {}\n", advice.topic, advice.text);
  fmt::print("\n{} (open it in a browser), {} and the plans, in {:.0f} s\n", (folder / "report.html").string(),
             (folder / "results.json").string(), now_seconds() - start);
}

}  // namespace

void add_study(CLI::App& app) {
  auto flags = std::make_shared<StudyFlags>();
  auto* verb =
      app.add_subcommand("study", "The whole answer: calibrate, build, evaluate, sweep batch sizes, report and advise");
  verb->add_option("model", flags->model, "An ONNX file")->required();
  verb->add_option("--data", flags->data, "Labelled images: a folder with labels.txt, a folder a class, or IDX files")
      ->required();
  verb->add_option("--calib", flags->calibration, "Images to calibrate int8 or fp8 with");
  verb->add_option("--preprocess", flags->preprocess,
                   "torchvision, caffe, tf, fashion_mnist, raw, and changes: torchvision,resize=0")
      ->required();
  verb->add_option("--output,-o", flags->output, "Folder for report.html, results.json and the plan")
      ->capture_default_str();
  verb->add_option("--precision", flags->precisions, "Precisions to compare: fp32, tf32, bf16, fp16, int8, fp8")
      ->capture_default_str();
  verb->add_option("--batch", flags->batches, "Batch sizes: 1,8,32 or 1-32 (doubling)")->capture_default_str();
  add_method(*verb, flags->method);
  verb->add_option("--slo", flags->slo, "Also advise what keeps this latency limit: p99=15ms");
  verb->add_option("--limit", flags->limit, "At most this many labelled images, evenly spaced; 0: all")
      ->capture_default_str();
  verb->add_option("--seconds", flags->seconds_per_point, "Most seconds to measure a point")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  verb->add_flag("--skip-unreadable", flags->skip_unreadable,
                 "Leave unreadable images out, named and counted, instead of failing");
  flags->engine.add_to(*verb, Devices::together);
  verb->footer(
      "Example: halftone study resnet50.onnx --data val/ --calib calib/ --preprocess torchvision -o resnet50-study");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
