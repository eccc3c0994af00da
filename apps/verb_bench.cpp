#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/accuracy_rows.h"
#include "base/file.h"
#include "base/progress.h"
#include "bench/measure.h"
#include "bench/noise.h"
#include "bench/results.h"
#include "bench/table.h"
#include "engine/measure.h"

namespace halftone {
namespace {

constexpr double kEnergySeconds = 1;  // a meter tells a new figure every 20 to 100 ms
constexpr double kCopySeconds = 1;

struct BenchFlags {
  std::vector<std::string> models;
  std::string precisions, batches = "1,8,32", json;
  Protocol protocol;
  int copies = 0;
  EngineFlags engine;
};

void measure_all(const BenchFlags& flags, const std::vector<std::int64_t>& batches,
                 const std::shared_ptr<Backend>& backend, Results& results) {
  for (const auto& path : flags.models) {
    const auto model = load_model(path);
    const bool quantized = is_quantized(model.graph);
    const std::string model_name = std::filesystem::path(path).stem().string();
    for (const auto precision : parse_precisions(!flags.precisions.empty() ? flags.precisions
                                                 : quantized               ? "int8"
                                                                           : "fp32")) {
      if ((precision == Precision::int8) != quantized)
        fail(Code::invalid_argument, "{} is {}: it cannot run in {}", path,
             quantized ? "quantised" : "not quantised (see `halftone quantize`)", name(precision));
      const auto engine =
          build_engine(model.graph, backend, flags.engine, batches, quantized ? Precision::fp32 : precision);
      Session session(engine);
      const auto bar = progress_bar(fmt::format("measure {}", name(precision)), flags.engine.quiet);
      std::vector<std::function<void()>> points;
      for (const auto batch : batches) points.push_back(random_run(session, batch));
      const auto measured = measure(
          points, flags.protocol, [&](std::size_t, double share) { bar(static_cast<std::size_t>(100 * share), 100); });
      for (std::size_t i = 0; i < batches.size(); ++i) {
        Result description;
        description.model = model_name;
        description.device = backend->info().id;
        description.precision = std::string(name(precision));
        description.batch = static_cast<int>(batches[i]);
        description.threads = engine->threads();
        const Program& program = engine->program(batches[i]);
        description.memory_bytes = engine->weight_bytes() + program.arena_bytes + program.workspace_bytes;
        if (const auto draw = measure_draw(*backend, points[i], kEnergySeconds)) {
          description.images_per_joule = static_cast<double>(batches[i]) / draw->joules_per_run;
          if (draw->clock_hz > 0) description.clock_mhz = draw->clock_hz / 1e6;
          description.limited_by = draw->limits;
        }
        if (flags.copies > 0)
          description.host_to_host = host_to_host_rate(engine, batches[i], flags.copies, kCopySeconds);
        results.results.push_back(make_result(description, measured[i].milliseconds));
      }
      results.notes.push_back(
          fmt::format("{} {}: {}", model_name, name(precision), describe(flags.protocol, measured)));
    }
  }
}

/// A table a model, in order of first appearance.
void print_tables(const Results& results) {
  std::vector<std::string> models;
  for (const auto& result : results.results)
    if (std::find(models.begin(), models.end(), result.model) == models.end()) models.push_back(result.model);
  for (const auto& model : models) fmt::print("{}\n", results_table(results, model, terminal_width(stdout)));
  for (const auto& note : results.notes) fmt::print("{}\n", note);
}

void run(const BenchFlags& flags) {
  const auto batches = parse_batches(flags.batches);
  if (!flags.precisions.empty()) parse_precisions(flags.precisions);
  if (!flags.json.empty()) check_writable(flags.json);
  const auto backend = open_device(flags.engine.device);
  Results results;
  results.created = utc_now();
  const NoiseWatch watch;
  try {
    measure_all(flags, batches, backend, results);
  } catch (const Error& error) {
    if (error.code() != Code::cancelled || results.results.empty()) throw;
    print_tables(results);
    fail(Code::cancelled, "interrupted: the {} points above are what was measured{}", results.results.size(),
         flags.json.empty() ? "" : ", " + flags.json + " is not written");
  }
  results.machine =
      describe_machine(*backend, flags.engine.threads > 0 ? flags.engine.threads : backend->info().cores, false);
  for (auto& finding : watch.findings()) results.notes.push_back(std::move(finding));
  if (!flags.json.empty()) write_file(flags.json, to_json(results));
  print_tables(results);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  auto* verb =
      app.add_subcommand("bench", "Throughput and latency of models over precisions and batch sizes, the engine alone");
  verb->add_option("models", flags->models, "ONNX files or plans")->required();
  verb->add_option("--precision", flags->precisions,
                   "fp32, tf32, bf16, fp16; several with commas (default fp32, or int8 for a plan)");
  verb->add_option("--batch", flags->batches, "Batch sizes: 1,8,32 or 1-64 (doubling)")->capture_default_str();
  verb->add_option("--warm-up", flags->protocol.warmup, "Runs before the clock starts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--iterations", flags->protocol.iterations, "Timed runs a point")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_option("--seconds", flags->protocol.seconds, "Fewer runs where a point would take longer than this")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  verb->add_option("--copies", flags->copies,
                   "Also the throughput with copies between host and device, of so many sessions at once")
      ->check(CLI::Range(1, 64));
  verb->add_option("--json", flags->json, "Also write the results to this file");
  flags->engine.add_to(*verb);
  verb->footer("Example: halftone bench resnet50.onnx --precision fp32,bf16 --batch 1-32 --json resnet50.json");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
