#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/common.h"
#include "backend/check_tactic.h"
#include "engine/tuner.h"
#include "graph/op.h"

namespace halftone {
namespace {

struct OpFlags {
  std::string line;
  bool check = false;
  bool time = false;
  bool json = false;
  std::uint64_t seed = 1;
  EngineFlags engine;
};

void run(const OpFlags& flags) {
  const auto backend = open_device(flags.engine.device);
  const int threads = flags.engine.threads > 0 ? flags.engine.threads : backend->info().cores;
  const auto problem = Problem::parse(flags.line);
  const Cost work = cost(problem);
  const std::set<std::string> off(flags.engine.kernels_off.begin(), flags.engine.kernels_off.end());
  for (const auto& item : off)
    if (!find_kernel(*backend, item)) fail(Code::not_found, "there is no kernel '{}' on {}", item, backend->info().id);
  auto list = candidates(problem, *backend, off);
  std::vector<std::string> verdicts(list.size());
  bool wrong = false;
  if (flags.check) {
    const auto inputs = random_inputs(problem, flags.seed);
    const auto expected = evaluate(problem, inputs);
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].refusal.empty()) continue;
      const auto result = check_tactic(problem, *find_kernel(*backend, list[i].kernel), list[i].config, inputs,
                                       expected, *backend, threads);
      verdicts[i] = result.ok ? fmt::format("ok, worst {:.2g}", result.worst) : "WRONG: " + result.message;
      wrong = wrong || !result.ok;
    }
  }
  Tactic tactic;
  if (flags.time) {
    tactic = Tuner(*backend, threads).choose(problem, off);
    for (std::size_t i = 0; i < list.size() && i < tactic.candidates.size(); ++i) {
      list[i].seconds = tactic.candidates[i].seconds;
      if (list[i].refusal.empty()) list[i].refusal = tactic.candidates[i].refusal;
    }
  }
  if (flags.json) {
    nlohmann::json rows = nlohmann::json::array();
    for (std::size_t i = 0; i < list.size(); ++i) {
      nlohmann::json row{{"kernel", list[i].kernel}, {"config", list[i].config}};
      if (!list[i].refusal.empty()) row["refusal"] = list[i].refusal;
      if (list[i].seconds > 0) row["seconds"] = list[i].seconds;
      if (!verdicts[i].empty()) row["check"] = verdicts[i];
      rows.push_back(std::move(row));
    }
    fmt::print("{}\n", json_text({{"problem", problem.text()},
                                  {"flops", work.flops},
                                  {"bytes", work.bytes},
                                  {"winner", tactic.kernel},
                                  {"tactics", rows}}));
  } else {
    fmt::print("{}\n  {:.4g} MFLOP, {:.4g} MB, output {}\n", problem.text(), work.flops / 1e6, work.bytes / 1e6,
               problem.output().text());
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto& item = list[i];
      const auto label = item.kernel + (item.config.empty() ? "" : "[" + item.config + "]");
      std::string line = fmt::format("  {:<32}", label);
      if (item.seconds > 0)
        line += fmt::format(" {:>10.4f} ms {:>8.1f} GFLOP/s {:>7.1f} GB/s{}", item.seconds * 1e3,
                            work.flops / item.seconds / 1e9, work.bytes / item.seconds / 1e9,
                            item.kernel == tactic.kernel && item.config == tactic.config ? "  <- fastest" : "");
      if (!verdicts[i].empty()) line += "  " + verdicts[i];
      if (!item.refusal.empty()) line += "  no: " + item.refusal;
      fmt::print("{}\n", line);
    }
  }
  if (wrong) fail(Code::device, "a tactic computes '{}' wrongly", problem.text());
}

}  // namespace

void add_op(CLI::App& app) {
  auto flags = std::make_shared<OpFlags>();
  auto* verb = app.add_subcommand("op", "One Problem from its text line: every tactic, checked and timed");
  verb->add_option("problem", flags->line,
                   "A Problem line, e.g. 'FusedConv f32:1x56x56x64 f32:64x3x3x64! f32:64! act=relu pads=1*4'; "
                   "`halftone explain` prints them")
      ->required();
  verb->add_flag("--check", flags->check, "Compare every tactic's output with the reference on fresh random data");
  verb->add_flag("--time", flags->time, "Time every tactic, interleaved");
  verb->add_option("--seed", flags->seed, "Seed of the random data")->capture_default_str();
  verb->add_flag("--json", flags->json, "For machines");
  flags->engine.add_to(*verb);
  verb->footer(
      "Example: halftone op 'FusedConv f32:1x56x56x64 f32:64x3x3x64! f32:64! act=relu pads=1*4' --check --time");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
