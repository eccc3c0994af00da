#include "engine/tuner.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "backend/check.h"
#include "engine/spot_check.h"
#include "engine/turn.h"

namespace halftone {
namespace {

constexpr int kFewestRounds = 3;
constexpr int kMostRounds = 25;
constexpr double kSecondsPerCandidate = 0.03;
constexpr double kHopeless = 3;      // times the fastest first run: out before the race,
constexpr double kTelling = 0.001;   // where first runs last long enough, in seconds, to tell
constexpr double kTieMargin = 0.01;  // below this the backend's order of preference decides, so that runs agree
constexpr double kShort = 0.0002;    // where runs are so short, in seconds, that a clock's steps hide the difference
constexpr int kRow = 10;             // of them are timed together

struct Contestant {
  Candidate* candidate = nullptr;
  std::unique_ptr<Prepared> prepared;
  std::unique_ptr<KernelState> state;
  std::unique_ptr<Recording> row;  // of kRow runs; nullptr where single ones are timed
  double first = 0;                // seconds of the checked run
  std::vector<double> times;
  bool in_race = true;

  double best() const { return *std::min_element(times.begin(), times.end()); }
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

std::string why_none(const std::vector<Candidate>& list) {
  std::string reasons;
  for (const auto& item : list)
    if (!item.refusal.empty())
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", item.kernel, item.refusal);
  return reasons.empty() ? "the device has no kernels" : reasons;
}

/// The operands of a race, on the device, and one output buffer all contestants write.
class Arena {
 public:
  Arena(const Problem& problem, Backend& backend, std::array<std::shared_ptr<Buffer>, 2>& staging)
      : problem_(problem),
        backend_(backend),
        staging_(staging),
        stream_(backend.new_stream()),
        host_inputs_(random_inputs(problem, 1)) {
    for (const auto& tensor : host_inputs_) {
      inputs_.push_back(tensor.defined() ? upload(tensor) : nullptr);
      pointers_.push_back(inputs_.back() ? inputs_.back()->data() : nullptr);
    }
    for (const auto& type : problem.outputs) {
      outputs_.push_back(type.known() ? backend.allocate(type.bytes()) : nullptr);
      output_pointers_.push_back(outputs_.back() ? outputs_.back()->data() : nullptr);
    }
    std::size_t largest = 0;
    for (const auto& output : outputs_) largest = std::max(largest, output ? output->bytes() : 0);
    Tensor poison(DType::u8, Shape{static_cast<std::int64_t>(largest)});
    std::memset(poison.raw(), 0xa5, poison.bytes());
    poison_ = upload(poison);
    for (std::size_t i = 0; i < problem.inputs.size(); ++i)
      constants_.push_back(problem.constant(i) ? host_inputs_[i] : Tensor());
  }

  std::span<const Tensor> host_inputs() const { return host_inputs_; }
  std::span<const Tensor> constants() const { return constants_; }

  RunArgs args(Contestant& contestant, bool in_place) {
    const auto wanted = contestant.prepared->workspace_bytes();
    if (!workspace_ || workspace_->bytes() < wanted) workspace_ = backend_.allocate(std::max<std::size_t>(wanted, 64));
    aliased_ = pointers_;
    const int shared = contestant.prepared->in_place_input();
    if (in_place && shared >= 0) aliased_[static_cast<std::size_t>(shared)] = output_pointers_[0];
    return {aliased_, output_pointers_, workspace_->data(), contestant.state.get(), stream_.get()};
  }

  /// Records a row of runs where one is short and the device can. In an engine kernels follow each other in a recording
  /// too. After every contestant's checked run, since the workspace may not grow any more.
  void record_row(Contestant& contestant) {
    if (contestant.first > kShort) return;
    const RunArgs operands = args(contestant, true);
    contestant.row = backend_.record(*stream_, [&] {
      for (int run = 0; run < kRow; ++run) contestant.prepared->run(operands);
    });
  }

  /// Seconds of a run.
  double time(Contestant& contestant) {
    if (contestant.row)
      return backend_.seconds(*stream_, [&] { contestant.row->replay(*stream_); }) / static_cast<double>(kRow);
    const RunArgs operands = args(contestant, true);
    return backend_.seconds(*stream_, [&] { contestant.prepared->run(operands); });
  }

  /// The outputs, on the host in staging buffer number `at` until that is used again, of a run into buffers filled with
  /// 0xa5; notes how long it took.
  std::vector<Tensor> checked_run(Contestant& contestant, std::size_t at) {
    std::size_t wanted = 0;
    for (const auto& type : problem_.outputs) wanted += type.known() ? (type.bytes() + 63) / 64 * 64 : 0;
    if (!staging_[at] || staging_[at]->bytes() < wanted) staging_[at] = backend_.allocate_staging(wanted);
    std::vector<Tensor> results;
    std::size_t offset = 0;
    for (const auto& type : problem_.outputs) {
      results.push_back(type.known() ? Tensor(type, staging_[at], offset) : Tensor());
      offset += type.known() ? (type.bytes() + 63) / 64 * 64 : 0;
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (outputs_[i]) backend_.copy(outputs_[i]->data(), poison_->data(), results[i].bytes(), *stream_);
    const RunArgs operands = args(contestant, false);
    // A device loads a kernel's code at its first run, which says nothing about the second.
    if (!backend_.host_memory()) contestant.prepared->run(operands);
    contestant.first = backend_.seconds(*stream_, [&] { contestant.prepared->run(operands); });
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (outputs_[i]) backend_.copy(results[i].raw(), outputs_[i]->data(), results[i].bytes(), *stream_);
    stream_->synchronize();
    return results;
  }

 private:
  std::shared_ptr<Buffer> upload(const Tensor& tensor) {
    auto buffer = backend_.allocate(tensor.bytes());
    backend_.copy(buffer->data(), tensor.raw(), tensor.bytes(), *stream_);
    stream_->synchronize();
    return buffer;
  }

  const Problem& problem_;
  Backend& backend_;
  std::array<std::shared_ptr<Buffer>, 2>& staging_;
  std::unique_ptr<Stream> stream_;
  std::vector<Tensor> host_inputs_;
  std::vector<std::shared_ptr<Buffer>> inputs_;
  std::vector<std::shared_ptr<Buffer>> outputs_;
  std::shared_ptr<Buffer> poison_;
  std::vector<const void*> pointers_;
  std::vector<const void*> aliased_;
  std::vector<void*> output_pointers_;
  std::vector<Tensor> constants_;
  std::shared_ptr<Buffer> workspace_;
};

void race(std::vector<Contestant>& contestants, Arena& arena) {
  double fastest = std::numeric_limits<double>::max();
  for (const auto& contestant : contestants) fastest = std::min(fastest, contestant.first);
  for (auto& contestant : contestants) {
    if (contestant.first <= std::max(kTelling, kHopeless * fastest)) continue;
    contestant.in_race = false;
    contestant.times.push_back(contestant.first);
  }
  for (auto& contestant : contestants)
    if (contestant.in_race) arena.record_row(contestant);
  for (int round = 0; round < kMostRounds; ++round) {
    double spent = 0;
    int running = 0;
    for (auto& contestant : contestants) {
      if (!contestant.in_race) continue;
      ++running;
      contestant.times.push_back(arena.time(contestant));
      for (const auto time : contestant.times) spent += time * (contestant.row ? kRow : 1);
    }
    if (round + 1 < kFewestRounds) continue;
    double best = std::numeric_limits<double>::max();
    for (const auto& contestant : contestants) best = std::min(best, contestant.best());
    const double margin = round < 6 ? 1.5 : 1.15;
    for (auto& contestant : contestants) contestant.in_race &= contestant.best() <= margin * best;
    if (spent > kSecondsPerCandidate * running) break;
  }
}

}  // namespace

std::vector<Candidate> candidates(const Problem& problem, const Backend& backend,
                                  const std::set<std::string>& kernels_off) {
  std::vector<Candidate> list;
  bool any = false;
  for (const bool competing : {true, false}) {
    if (any) break;
    for (const auto& kernel : backend.kernels()) {
      if (kernel.competes != competing) continue;
      if (kernels_off.contains(std::string(kernel.name))) {
        list.push_back({std::string(kernel.name), "", 0, "switched off"});
        continue;
      }
      if (const auto support = kernel.supports(problem, backend); !support) {
        list.push_back({std::string(kernel.name), "", 0, support.reason});
        continue;
      }
      for (auto& config : kernel.configs(problem, backend)) {
        list.push_back({std::string(kernel.name), std::move(config), 0, ""});
        any = true;
      }
    }
  }
  return list;
}

Tactic Tuner::heuristic(const Problem& problem, const Backend& backend, const std::set<std::string>& kernels_off) {
  auto list = candidates(problem, backend, kernels_off);
  for (const auto& item : list)
    if (item.refusal.empty()) return {item.kernel, item.config, 0, "heuristic", list};
  fail(Code::unsupported, "nothing on {} computes '{}' ({})", backend.info().id, problem.text(), why_none(list));
}

namespace {

/// Why a candidate is out. An error that is not its own is handed on: an interruption, or a device that is gone.
std::string refusal_of(const Error& error, const Candidate& candidate, Backend& backend) {
  if (error.code() == Code::cancelled) throw error;
  if (error.code() == Code::device && backend.lost()) {
    Error lost = error;
    lost.add_context(fmt::format("{}{}{}", candidate.kernel, candidate.config.empty() ? "" : " ", candidate.config));
    throw lost;
  }
  return fmt::format("failed: {}", error.what());
}

}  // namespace

Tactic Tuner::choose(const Problem& problem, const std::set<std::string>& kernels_off) {
  auto list = candidates(problem, backend_, kernels_off);
  const auto able = std::count_if(list.begin(), list.end(), [](const Candidate& item) { return item.refusal.empty(); });
  const bool fallback_only =
      able == 1 &&
      !find_kernel(
           backend_,
           std::find_if(list.begin(), list.end(), [](const auto& item) { return item.refusal.empty(); })->kernel)
           ->competes;
  if (able == 0 || fallback_only) return heuristic(problem, backend_, kernels_off);

  backend_.use_threads(threads_);
  Arena arena(problem, backend_, staging_);
  const SpotCheck spot_check(problem, arena.host_inputs());
  std::vector<Contestant> entrants, contestants;
  std::optional<Error> exhausted;  // what somebody wanted more memory for than there is
  for (auto& item : list) {
    if (!item.refusal.empty()) continue;
    Contestant contestant;
    contestant.candidate = &item;
    try {
      const Kernel& kernel = *find_kernel(backend_, item.kernel);
      WeightCache weights;
      contestant.prepared = kernel.prepare({problem, item.config, arena.constants(), backend_, weights, threads_});
      contestant.state = contestant.prepared->make_state();
      entrants.push_back(std::move(contestant));
    } catch (const Error& error) {
      item.refusal = refusal_of(error, item, backend_);
      if (error.code() == Code::resource_exhausted) exhausted = error;
    } catch (const std::exception& error) {
      item.refusal = fmt::format("failed: {}", error.what());
    }
  }
  std::vector<Tensor> agreed;  // the output of the first contestant that passed
  for (auto& contestant : entrants) {
    auto& refusal = contestant.candidate->refusal;
    try {
      auto outputs = [&] {
        const Turn turn(turn_);
        return arena.checked_run(contestant, agreed.empty() ? 0 : 1);
      }();
      refusal = spot_check(outputs);
      if (refusal.empty() && !agreed.empty()) {
        const auto comparison = compare(problem, agreed, outputs, arena.host_inputs());
        if (!comparison.ok) refusal = "disagrees with the other tactics: " + comparison.message;
      }
      if (!refusal.empty()) continue;
      if (agreed.empty()) agreed = std::move(outputs);
    } catch (const Error& error) {
      refusal = refusal_of(error, *contestant.candidate, backend_);
      if (error.code() == Code::resource_exhausted) exhausted = error;
      continue;
    } catch (const std::exception& error) {
      refusal = fmt::format("failed: {}", error.what());
      continue;
    }
    contestants.push_back(std::move(contestant));
  }
  if (contestants.empty() && exhausted) throw *exhausted;
  if (contestants.empty())
    fail(Code::unsupported, "no tactic on {} computes '{}' rightly ({})", backend_.info().id, problem.text(),
         why_none(list));

  {
    const Turn turn(turn_);
    race(contestants, arena);
  }
  const Contestant* winner = nullptr;
  for (auto& contestant : contestants) {
    contestant.candidate->seconds = median(contestant.times);
    if (!winner || contestant.candidate->seconds < (1 - kTieMargin) * winner->candidate->seconds) winner = &contestant;
  }
  return {winner->candidate->kernel, winner->candidate->config, winner->candidate->seconds, "measured", list};
}

}  // namespace halftone
