#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/common.h"
#include "engine/measure.h"

namespace halftone {
namespace {

struct ExplainFlags {
  std::string model;
  std::string precision = "fp32";
  std::int64_t batch = 1;
  int iterations = 20;
  bool all = false;
  bool json = false;
  EngineFlags engine;
};

struct Row {
  const Step* step;
  double seconds;
  double floor;  // the larger of flops over peak and bytes over bandwidth
  bool bytes_bound;
};

Precision unit_of(const Problem& problem) {
  if (problem.op != "FusedConv" || problem.inputs.empty()) return Precision::fp32;
  switch (problem.input(0).dtype) {
    case DType::u8:
    case DType::i8: return Precision::int8;
    case DType::f8e4m3: return Precision::fp8;
    case DType::bf16: return Precision::bf16;
    case DType::f16: return Precision::fp16;
    default: return problem.attributes.has("math") ? Precision::tf32 : Precision::fp32;
  }
}

/// The bandwidth of the innermost level that holds what the step touches.
double bandwidth_for(const Peaks& peaks, double bytes) {
  for (const auto& level : peaks.bandwidth)
    if (static_cast<double>(level.bytes) >= bytes) return level.read;
  return peaks.bandwidth.empty() ? 0 : peaks.bandwidth.back().read;
}

Row measure(const Step& step, std::vector<double> times, const Peaks& peaks) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  const Cost work = cost(step.problem);
  const auto peak = peaks.flops.find(unit_of(step.problem));
  const double flops = peak != peaks.flops.end() && peak->second > 0 ? peak->second : peaks.flops.at(Precision::fp32);
  const double bandwidth = bandwidth_for(peaks, work.bytes);
  const double compute = work.macs > 0 ? work.flops / flops : 0;
  const double traffic = bandwidth > 0 ? work.bytes / bandwidth : 0;
  return {&step, times[times.size() / 2], std::max(compute, traffic), traffic > compute};
}

std::string tactic_name(const Tactic& tactic) {
  if (tactic.kernel.empty()) return "copy";
  return tactic.kernel + (tactic.config.empty() ? "" : "[" + tactic.config + "]");
}

nlohmann::json json_of(const Row& row) {
  const auto& tactic = row.step->tactic;
  nlohmann::json candidates = nlohmann::json::array();
  for (const auto& item : tactic.candidates) {
    nlohmann::json entry{{"kernel", item.kernel}, {"config", item.config}};
    if (item.refusal.empty()) entry["seconds"] = item.seconds;
    else entry["refusal"] = item.refusal;
    candidates.push_back(std::move(entry));
  }
  return {{"node", row.step->node},
          {"problem", row.step->problem.text()},
          {"tactic", tactic_name(tactic)},
          {"source", tactic.source},
          {"seconds", row.seconds},
          {"floor_seconds", row.floor},
          {"bound", row.bytes_bound ? "bytes" : "flops"},
          {"candidates", std::move(candidates)}};
}

void print_row(const Row& row, double total, std::size_t width, bool all) {
  const auto& tactic = row.step->tactic;
  fmt::print("{:>9.4f} {:>5.1f}% {:>5.0f}% {:<5}  {:<{}} {}\n", row.seconds * 1e3, 100 * row.seconds / total,
             100 * row.floor / row.seconds, row.bytes_bound ? "bytes" : "flops", tactic_name(tactic), width,
             row.step->problem.text());
  if (!all) return;
  for (const auto& item : tactic.candidates) {
    const auto label = item.kernel + (item.config.empty() ? "" : "[" + item.config + "]");
    if (!item.refusal.empty()) fmt::print("{:>28}  {:<{}} no: {}\n", "", label, width, item.refusal);
    else if (item.seconds > 0) fmt::print("{:>28}  {:<{}} {:.4f} ms alone\n", "", label, width, item.seconds * 1e3);
  }
}

void run(const ExplainFlags& flags) {
  const auto model = load_model(flags.model);
  const auto backend = open_device(flags.engine.device);
  const auto precision = parse_one_precision(flags.precision);
  if (float_precision(precision) != precision && quantized_to(model.graph) != precision)
    fail(Code::invalid_argument, "{} is not quantised to {}; `halftone quantize` makes a plan", flags.model,
         name(precision));
  const auto engine = build_engine(model.graph, backend, flags.engine, {flags.batch}, float_precision(precision));
  const Program& program = engine->program(flags.batch);
  Session session(engine);
  const auto inputs = random_tensors(program.inputs);
  for (int i = 0; i < 3; ++i) session.run(inputs);
  const auto seconds = session.profile(inputs, flags.iterations);
  const Peaks& peaks = backend->peaks(engine->threads());
  std::vector<Row> rows;
  double total = 0, floor = 0, macs = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    rows.push_back(measure(program.steps[i], seconds[i], peaks));
    total += rows.back().seconds;
    floor += rows.back().floor;
    macs += cost(program.steps[i].problem).macs;
  }
  if (flags.json) {
    nlohmann::json steps = nlohmann::json::array();
    for (const auto& row : rows) steps.push_back(json_of(row));
    nlohmann::json passes = nlohmann::json::array();
    for (const auto& pass : program.passes)
      passes.push_back({{"name", pass.name}, {"rewrites", pass.rewrites}, {"seconds", pass.seconds}});
    fmt::print("{}\n", json_text({{"model", flags.model},
                                  {"device", backend->info().name},
                                  {"threads", engine->threads()},
                                  {"batch", flags.batch},
                                  {"seconds", total},
                                  {"floor_seconds", floor},
                                  {"macs", macs},
                                  {"weight_bytes", engine->weight_bytes()},
                                  {"arena_bytes", program.arena_bytes},
                                  {"arena_floor_bytes", program.arena_floor},
                                  {"activation_bytes", program.unshared_bytes},
                                  {"passes", passes},
                                  {"steps", steps}}));
    return;
  }
  fmt::print("{} on {}, {} threads, batch {}\n\n", flags.model, backend->info().name, engine->threads(), flags.batch);
  std::size_t width = 30;
  for (const auto& row : rows) width = std::max(width, tactic_name(row.step->tactic).size());
  fmt::print("{:>9} {:>6} {:>6} {:<5}  {:<{}} {}\n", "ms", "share", "floor", "bound", "tactic", width, "problem");
  for (const auto& row : rows) print_row(row, total, width, flags.all);
  fmt::print(
      "\n{:.3f} ms a batch, {:.1f} images/s when steps are timed one by one; the floor is {:.3f} ms ({:.0f} % "
      "reached)\n",
      total * 1e3, static_cast<double>(flags.batch) / total, floor * 1e3, 100 * floor / total);
  fmt::print(
      "floor: the larger of flops over the measured peak of the data type and bytes over the bandwidth of the "
      "innermost\n"
      "memory level that holds the step's data\n");
  fmt::print(
      "{:.2f} G multiply-adds; weights {:.1f} MB; activations {:.1f} MB in an arena of {:.1f} MB (least possible "
      "{:.1f} MB)\n",
      macs / 1e9, static_cast<double>(engine->weight_bytes()) / 1e6, static_cast<double>(program.unshared_bytes) / 1e6,
      static_cast<double>(program.arena_bytes) / 1e6, static_cast<double>(program.arena_floor) / 1e6);
  fmt::print("built in {:.2f} s; passes:", engine->build_seconds());
  for (const auto& pass : program.passes)
    if (pass.rewrites > 0) fmt::print(" {} {}", pass.name, pass.rewrites);
  fmt::print("\n");
}

}  // namespace

void add_explain(CLI::App& app) {
  auto flags = std::make_shared<ExplainFlags>();
  auto* verb = app.add_subcommand("explain",
                                  "Where the time goes: each node's Problem, tactic, time and distance from the floor");
  verb->add_option("model", flags->model, "An ONNX file or a plan")->required();
  verb->add_option("--precision", flags->precision, "fp32, tf32, bf16 or fp16 for what the model leaves in float")
      ->capture_default_str();
  verb->add_option("--batch", flags->batch, "Batch size")->check(CLI::Range(1, 65536))->capture_default_str();
  verb->add_option("--iterations", flags->iterations, "Timed runs")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_flag("--all", flags->all, "Also what each tactic beat, and who refused and why");
  verb->add_flag("--json", flags->json, "For machines");
  flags->engine.add_to(*verb);
  verb->footer("Example: halftone explain resnet50.onnx --batch 8 --all");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
