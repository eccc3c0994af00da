#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "apps/accuracy_rows.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/table.h"

namespace halftone {
namespace {

struct EvalFlags {
  std::vector<std::string> models;
  std::string data, preprocess, calibration, json;
  std::string precision;
  std::string method;
  std::int64_t batch = 16;
  std::size_t limit = 0;
  bool skip_unreadable = false;
  EngineFlags engine;
};

std::string share(std::int64_t right, std::int64_t total) {
  const auto interval = wilson(right, total);
  return fmt::format("{:.2f} % [{:.1f}, {:.1f}]", 100.0 * static_cast<double>(right) / static_cast<double>(total),
                     100 * interval.lo, 100 * interval.hi);
}

void run(const EvalFlags& flags) {
  const auto calibrator = calibrator_from(flags.method);
  if (!flags.precision.empty()) parse_precisions(flags.precision);
  if (!flags.json.empty()) check_writable(flags.json);
  const auto devices = open_devices(flags.engine.device);
  const auto& backend = devices.backends.front();
  auto engine_flags = flags.engine;
  if (engine_flags.threads == 0) engine_flags.threads = devices.threads_each();
  const auto dataset = open_dataset(flags.data).evenly_spaced(flags.limit);
  Rows rows{{"model", "precision", "images", "top-1 [95 %]", "right", "top-5 [95 %]", "agrees with fp32", "images/s",
             "compute"}};
  nlohmann::json documents = nlohmann::json::array();
  for (const auto& path : flags.models) {
    const auto model = load_model(path);
    const auto preprocess = preprocess_for(flags.preprocess, model.graph);
    check_labels(model.graph, dataset);
    const auto precisions = parse_precisions(
        !flags.precision.empty() ? flags.precision
                                 : std::string(name(quantized_to(model.graph).value_or(Precision::fp32))));
    Calibration calibration{flags.calibration, {}};
    calibration.options.calibrator = calibrator;
    calibration.options.threads = flags.engine.threads;
    calibration.options.skip_unreadable = flags.skip_unreadable;
    std::optional<Evaluation> baseline;
    for (const auto& variant :
         make_variants(model.graph, precisions, backend, preprocess, calibration, flags.engine.quiet)) {
      Graph graph = variant.graph;
      Preprocess reading = preprocess;
      if (!backend->host_memory()) enter_as_bytes(graph, reading);
      SessionTeam team(build_engines(graph, devices, engine_flags, {flags.batch}, float_precision(variant.precision)),
                       1);
      EvalOptions options;
      options.skip_unreadable = flags.skip_unreadable;
      if (!backend->host_memory()) options.decode_threads = static_cast<int>(std::thread::hardware_concurrency());
      options.progress = progress_bar(fmt::format("evaluate {}", name(variant.precision)), flags.engine.quiet);
      const auto result = evaluate_accuracy(team, dataset, reading, options);
      for (const auto& reason : result.skipped) fmt::print(stderr, "halftone: skipped {}\n", reason);
      if (result.not_finite > 0)
        fmt::print(stderr, "halftone: warning: {} images gave scores that are not finite\n", result.not_finite);
      const bool is_baseline = variant.precision == Precision::fp32;
      if (is_baseline) baseline = result;
      const auto images = static_cast<double>(result.images);
      rows.push_back({std::filesystem::path(path).filename().string(), std::string(name(variant.precision)),
                      fmt::format("{}", result.images), share(result.top1, result.images),
                      fmt::format("{}", result.top1), result.classes >= 5 ? share(result.top5, result.images) : "-",
                      baseline && !is_baseline ? fmt::format("{:.2f} %", 100 * result.agreement(*baseline)) : "-",
                      fmt::format("{:.1f}", images / result.seconds),
                      fmt::format("{:.1f}", images / result.compute_seconds)});
      nlohmann::json document{
          {"model", path},
          {"precision", name(variant.precision)},
          {"images", result.images},
          {"top1", result.top1},
          {"top5", result.top5},
          {"skipped", result.skipped.size()},
          {"not_finite", result.not_finite},
          {"images_per_second", images / result.seconds},
          {"compute_images_per_second", images / result.compute_seconds},
          {"top1_ci95", {wilson(result.top1, result.images).lo, wilson(result.top1, result.images).hi}},
          {"top5_ci95", {wilson(result.top5, result.images).lo, wilson(result.top5, result.images).hi}},
          {"predictions", result.predictions}};
      if (baseline && !is_baseline) document["agreement"] = result.agreement(*baseline);
      documents.push_back(std::move(document));
    }
  }
  if (!flags.json.empty()) {
    std::vector<std::string> names;
    for (const auto& item : dataset.items()) names.push_back(std::filesystem::path(item.name).filename().string());
    write_file(
        flags.json,
        json_text(
            {{"data", flags.data}, {"preprocess", flags.preprocess}, {"items", names}, {"evaluations", documents}}) +
            "\n");
  }
  fmt::print("{}", text_table(rows, terminal_width(stdout)));
}

}  // namespace

void add_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  auto* verb =
      app.add_subcommand("eval", "Accuracy on labelled images: top-1, top-5, intervals, agreement with FP32, images/s");
  verb->add_option("models", flags->models, "ONNX files or plans")->required();
  verb->add_option("--data", flags->data, "Folder with labels.txt, a folder a class, or IDX files")->required();
  verb->add_option("--preprocess", flags->preprocess,
                   "torchvision, caffe, tf, fashion_mnist, raw, and changes: torchvision,resize=0")
      ->required();
  verb->add_option("--precision", flags->precision,
                   "fp32, tf32, bf16, fp16, int8, fp8; several with commas (default fp32, or a plan's own)");
  verb->add_option("--calib", flags->calibration, "Images to calibrate int8 or fp8 with");
  add_method(*verb, flags->method);
  verb->add_option("--batch", flags->batch, "Images a run")->check(CLI::Range(1, 4096))->capture_default_str();
  verb->add_option("--limit", flags->limit, "At most this many images, evenly spaced; 0: all")->capture_default_str();
  verb->add_flag("--skip-unreadable", flags->skip_unreadable,
                 "Leave unreadable images out, named and counted, instead of failing");
  verb->add_option("--json", flags->json, "Also write the results, with every prediction, to this file");
  flags->engine.add_to(*verb, Devices::together);
  verb->footer(
      "Example: halftone eval resnet50.onnx --data val/ --preprocess torchvision --precision fp32,bf16,int8 --calib "
      "calib/");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
