#include "apps/sweep.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/progress.h"
#include "bench/format.h"
#include "bench/measure.h"
#include "engine/measure.h"

namespace halftone {

/// One point to be measured.
struct Sweeper::Cell {
  const Contender* contender;  ///< whose file a peer runs
  Result result;               ///< all but the measured figures
  Point point;
};

namespace {

constexpr double kLongestRenewal = 20;  // s: to build everything anew is always worth so much

/// Stands for a file's content in a checkpoint.
std::string stamp_of(const std::string& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  const auto time = std::filesystem::last_write_time(file, error);
  return error ? "" : fmt::format("{} bytes at {}", size, time.time_since_epoch().count());
}

std::string program_stamp() {
  std::error_code error;
  return stamp_of(std::filesystem::read_symlink("/proc/self/exe", error).string());
}

std::string cell_name(const Result& result) {
  return fmt::format("{} {} at batch {}", result.model, result.precision, result.batch);
}

/// What an engine gives on random_inputs(), copied.
std::vector<Tensor> outputs_of(const Contender& contender, std::int64_t batch) {
  const auto inputs = random_inputs(contender.engine().program(batch));
  std::vector<Tensor> outputs;
  contender.team->run([&](Session& session, int index) {
    if (index == 0)
      for (const auto& output : session.run(inputs)) outputs.push_back(output.clone());
  });
  return outputs;
}

double joules_each(const Measured& measured) { return measured.runs > 0 ? measured.joules / measured.runs : 0; }

}  // namespace

std::string Contender::device() const {
  DeviceSet set;
  for (const auto& engine : team->engines()) set.backends.push_back(engine->backend());
  return set.id();
}

EngineBuilder engine_builder(const Graph& graph, const DeviceSet& devices, const EngineFlags& flags,
                             const std::vector<std::int64_t>& batches, Precision precision) {
  return [&graph, devices, flags = EngineFlags(flags), batches, precision]() mutable {
    auto engines = build_engines(graph, devices, flags, batches, precision);
    flags.quiet = true;
    return engines;
  };
}

Contender make_contender(std::string model, std::string file, Precision precision, EngineBuilder build, int sessions) {
  auto team = std::make_unique<SessionTeam>(build(), sessions);
  return {std::move(model), std::move(file), precision, std::move(build), std::move(team)};
}

Sweeper::Sweeper(Options options, Results& results)
    : options_(std::move(options)),
      results_(results),
      checkpoint_(options_.checkpoint,
                  fmt::format("{}; {}; {}/{}/{}/{:g}", program_stamp(), options_.identity, options_.protocol.warmup,
                              options_.protocol.iterations, options_.protocol.rounds, options_.protocol.seconds)) {
  if (!checkpoint_.refusal().empty())
    fmt::print(stderr, "halftone: warning: begun anew, since {}\n", checkpoint_.refusal());
  if (!options_.peers.empty()) {
    peers_ = std::make_unique<Peers>(peers_python());
    std::erase_if(options_.peers, [&](const std::string& peer) {
      const auto presence = peers_->load(peer);
      if (presence.absent.empty()) results_.machine.software[peer] = presence.version;
      else results_.absent.push_back({peer, "", presence.absent});
      return !presence.absent.empty();
    });
  }
  noise_.emplace(peers_ ? [this] { return peers_->cpu_seconds(); } : std::function<double()>());
}

void Sweeper::add_ours(const Contender& contender, std::vector<Cell>& cells) const {
  for (const auto batch : options_.batches) {
    Result result;
    const Program& program = contender.engine().program(batch);
    result.model = contender.model;
    result.device = contender.device();
    result.precision = std::string(name(contender.precision));
    result.batch = static_cast<int>(batch);
    result.threads = contender.engine().threads();
    result.sessions = contender.team->size();
    result.devices = contender.devices();
    result.memory_bytes =
        static_cast<std::size_t>(contender.devices()) * contender.engine().weight_bytes() +
        static_cast<std::size_t>(contender.team->size()) * (program.arena_bytes + program.workspace_bytes);
    cells.push_back({&contender, std::move(result), random_runs(*contender.team, batch)});
  }
}

/// Makes a cell's point, of its contender's present sessions or in the peers' process.
void Sweeper::open(Cell& cell) {
  auto& [contender, result, point] = cell;
  if (result.engine == "halftone") {
    point = random_runs(*contender->team, result.batch);
    return;
  }
  const Program& program = contender->engine().program(result.batch);
  PeerJob job{result.engine, contender->file, result.precision, result.batch, result.threads, result.sessions, {}};
  const auto inputs = random_inputs(program);
  for (std::size_t i = 0; i < inputs.size(); ++i) job.inputs.emplace_back(program.inputs[i].name, inputs[i]);
  auto opened = peers_->open(job);
  if (!opened.refused.empty()) fail(Code::unsupported, "{}", opened.refused);
  result.output_difference = output_difference(outputs_of(*contender, result.batch), opened.outputs);
  if (*result.output_difference > largest_difference(result.precision))
    fail(Code::unsupported, "its outputs differ from ours by {:.2g} of their size (at most {:g} is rounding)",
         *result.output_difference, largest_difference(result.precision));
  point = std::move(opened.point);
}

void Sweeper::add_peers(const std::vector<Cell>& ours, std::vector<Cell>& cells) {
  for (const auto& engine : options_.peers)
    for (const auto& own : ours) {
      Cell cell{own.contender, own.result, {}};
      cell.result.engine = engine;
      cell.result.memory_bytes.reset();
      try {
        open(cell);
        cells.push_back(std::move(cell));
      } catch (const Error& error) {
        if (error.code() != Code::unsupported) throw;
        add_absent(cell.result, error.what());
      }
    }
}

std::string Sweeper::key_of(const Cell& cell) const {
  const auto& result = cell.result;
  const auto software = results_.machine.software.find(result.engine);
  return fmt::format("{} {} {} {}x{} in {} {} on {}", cell_name(result), cell.contender->file,
                     stamp_of(cell.contender->file), result.sessions, result.threads, result.engine,
                     software == results_.machine.software.end() ? "" : software->second, result.device);
}

void Sweeper::add_absent(const Result& cell, const std::string& why) {
  const auto cells = fmt::format("{} {} at batch ", cell.model, cell.precision);
  if (!results_.absent.empty()) {
    auto& last = results_.absent.back();
    if (last.engine == cell.engine && last.why == why && last.what.starts_with(cells)) {
      last.what += fmt::format(", {}", cell.batch);
      return;
    }
  }
  results_.absent.push_back({cell.engine, cells + std::to_string(cell.batch), why});
}

/// A disk that is full now may have room when the results go there; the measurement is not lost for it.
void Sweeper::keep(double seconds) {
  try {
    checkpoint_.save(seconds);
  } catch (const Error& error) {
    if (!warned_)
      fmt::print(stderr, "halftone: warning: an interruption would lose what is measured: {}\n", error.what());
    warned_ = true;
  }
}

void Sweeper::measure(std::vector<Contender>& contenders) {
  std::vector<Cell> cells;
  for (const auto& contender : contenders) {
    std::vector<Cell> ours;
    add_ours(contender, ours);
    cells.insert(cells.end(), ours.begin(), ours.end());
    if (peers_ && !contender.file.empty() && contender.devices() == 1 && contender.engine().backend()->host_memory())
      add_peers(ours, cells);
  }
  std::vector<Point> points;
  std::vector<Measured> measured;
  std::vector<std::string> keys;
  for (const auto& cell : cells) {
    points.push_back(cell.point);
    keys.push_back(key_of(cell));
    measured.push_back(checkpoint_.find(keys.back()));
  }
  const auto bar = progress_bar("measure " + contenders.front().model, options_.quiet);
  MeasureHooks hooks;
  hooks.joules = [this] { return energy_.joules(); };
  hooks.done = [&](std::size_t index, double share) {
    noise_->sample();
    bar(static_cast<std::size_t>(std::lround(100 * share)), 100);
    checkpoint_.put(keys[index], measured[index]);
    keep(2);
  };
  double begun = now_seconds(), renewal = 0;
  hooks.renew = [&] {
    if (renewal > std::max(kLongestRenewal, (now_seconds() - begun) / 2)) return false;
    begun = now_seconds();
    if (peers_) peers_->close();
    for (auto& contender : contenders) {
      const int sessions = contender.team->size() / contender.devices();
      contender.team.reset();
      contender.team = std::make_unique<SessionTeam>(contender.build(), sessions);
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      open(cells[i]);
      points[i] = cells[i].point;
    }
    renewal = now_seconds() - begun;
    begun = now_seconds();
    return true;
  };
  try {
    halftone::measure(points, options_.protocol, measured, hooks);
  } catch (const Error& error) {
    if (error.code() == Code::cancelled) {
      keep(0);
      append(cells, measured);
    }
    throw;
  }
  append(cells, measured);
  keep(0);
  results_.notes.push_back(fmt::format("{}: {}", contenders.front().model, describe(options_.protocol, measured)));
  if (peers_) peers_->close();
}

void Sweeper::append(const std::vector<Cell>& cells, std::span<const Measured> measured) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& turns = measured[i].turns;
    if (std::all_of(turns.begin(), turns.end(), [](auto& turn) { return turn.empty(); })) continue;
    auto result = make_result(cells[i].result, turns);
    if (joules_each(measured[i]) > 0) result.images_per_joule = result.batch / joules_each(measured[i]);
    results_.results.push_back(std::move(result));
  }
}

void Sweeper::finish() {
  for (auto& finding : noise_->findings()) results_.notes.push_back(std::move(finding));
  const bool unmetered = std::any_of(results_.results.begin(), results_.results.end(),
                                     [](const Result& result) { return !result.images_per_joule; });
  if (!energy_.reason().empty() && unmetered)
    results_.notes.push_back(fmt::format("Energy: unavailable, {}.", energy_.reason()));
  if (checkpoint_.resumed()) results_.notes.emplace_back("Interrupted meanwhile, and gone on with.");
}

Profile profile_of(const Contender& contender, std::int64_t batch) {
  constexpr int kRuns = 20;
  const Program& program = contender.engine().program(batch);
  std::vector<std::vector<double>> seconds;
  contender.team->run([&](Session& session, int index) {
    if (index == 0) seconds = session.profile(random_inputs(program), kRuns);
  });
  Profile profile{
      contender.model, contender.device(), std::string(name(contender.precision)), static_cast<int>(batch), {}};
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const Step& step = program.steps[i];
    profile.layers.push_back({step.node, step.problem.text(), step.tactic.kernel.empty() ? "copy" : step.tactic.kernel,
                              1000 * median(seconds[i])});
  }
  return profile;
}

}  // namespace halftone
