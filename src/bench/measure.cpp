#include "bench/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "bench/statistics.h"

namespace halftone {
namespace {

constexpr int kLeastIterations = 3;
constexpr std::size_t kEnoughSittings = 4;  // fewer say too little about how they differ
constexpr double kWarmsItself = 100;        // ms: a run that long fills the caches on its way

/// Milliseconds of wall time that one run takes.
double one_run(const Point& point, std::vector<double>& unused) {
  unused.clear();
  const double begin = now_seconds();
  point(1, unused);
  return 1000 * (now_seconds() - begin);
}

/// Warms a point up and finds out how many timed runs fit.
void warm_up(const Point& point, const Protocol& protocol, Measured& measured) {
  std::vector<double> unused;
  (void)one_run(point, unused);
  double each = one_run(point, unused);
  int warmup = 2;
  const double limit = 1000 * protocol.seconds;
  const double share = static_cast<double>(protocol.warmup) / (protocol.warmup + protocol.iterations);
  for (double spent = 2 * each; warmup < protocol.warmup && spent + each < share * limit; spent += each) {
    each = std::min(each, one_run(point, unused));
    ++warmup;
  }
  if (measured.wanted > 0) return;  // settled before an interruption
  const double fitting = (limit - warmup * each) / std::max(each, 1e-6);
  const int least = std::min(std::max(kLeastIterations, protocol.sittings), protocol.iterations);
  measured.wanted = static_cast<int>(std::clamp<double>(fitting, least, protocol.iterations));
  measured.shortened = measured.wanted < protocol.iterations;
  measured.warmup = warmup;
}

/// The timed runs that the turns before `round` have.
int runs_before(int round, const Measured& measured, const Protocol& protocol) {
  const auto runs = static_cast<std::int64_t>(measured.wanted) * round;
  return static_cast<int>((runs + protocol.rounds - 1) /
                          protocol.rounds);  // the first turns have them where there are few
}

/// Of the latest turn with runs in it; 0 where there is none.
double median_of(const Measured& measured) {
  for (auto turn = measured.turns.rbegin(); turn != measured.turns.rend(); ++turn)
    if (!turn->empty()) return median(*turn);
  return 0;
}

enum class Warmth : char { cold, renewed, warm };

void take_turn(const Point& point, int round, int sitting, const Protocol& protocol, Measured& measured, Warmth& warmth,
               const MeasureHooks& hooks) {
  std::vector<double> milliseconds;
  if (warmth == Warmth::cold) warm_up(point, protocol, measured);
  const int runs = runs_before(round + 1, measured, protocol) - runs_before(round, measured, protocol);
  // The others have emptied the caches; what is renewed has no memory yet, and the branches do not know it either.
  const bool short_runs = median_of(measured) < kWarmsItself;
  const int untimed = warmth == Warmth::renewed ? (short_runs ? 3 : 1) : warmth == Warmth::warm && short_runs ? 1 : 0;
  for (int i = 0; runs > 0 && i < untimed; ++i) (void)one_run(point, milliseconds);
  if (runs > 0 || warmth == Warmth::cold) warmth = Warmth::warm;
  milliseconds.clear();
  const auto before = hooks.joules ? hooks.joules() : std::nullopt;
  if (runs > 0) point(runs, milliseconds);
  const auto after = hooks.joules ? hooks.joules() : std::nullopt;
  if (before && after) {
    measured.joules += *after - *before;
    measured.runs += static_cast<double>(milliseconds.size());
  }
  measured.turns.push_back(std::move(milliseconds));
  measured.sitting.push_back(sitting);
}

/// Whether the rounds of another sitting begin with this one.
bool begins_sitting(int round, const Protocol& protocol) {
  const int sittings = std::min(protocol.sittings, protocol.rounds);
  return round > 0 && round * sittings / protocol.rounds != (round - 1) * sittings / protocol.rounds;
}

std::size_t sittings_of(const Measured& measured) {
  std::set<int> sittings;
  for (std::size_t i = 0; i < measured.turns.size(); ++i)
    if (!measured.turns[i].empty()) sittings.insert(measured.sitting[i]);
  return sittings.size();
}

}  // namespace

Point timed(std::function<void()> run) {
  return [run = std::move(run)](int runs, std::vector<double>& milliseconds) {
    for (int i = 0; i < runs; ++i) {
      check_interrupted();
      const double begin = now_seconds();
      run();
      milliseconds.push_back(1000 * (now_seconds() - begin));
    }
  };
}

void measure(std::span<const Point> points, const Protocol& protocol, std::vector<Measured>& measured,
             const MeasureHooks& hooks) {
  ASSERT(protocol.iterations > 0 && protocol.rounds > 0 && protocol.warmup >= 0 && measured.size() == points.size());
  const auto turns = static_cast<double>(points.size()) * protocol.rounds;
  std::vector<Warmth> warmth(points.size(), Warmth::cold);
  int sitting = 0;
  for (const auto& point : measured)
    if (!point.sitting.empty()) sitting = std::max(sitting, point.sitting.back() + 1);
  bool used = false, due = false;
  for (int round = 0; round < protocol.rounds; ++round) {
    due = due || begins_sitting(round, protocol);
    for (std::size_t i = 0; i < points.size(); ++i) {
      check_interrupted();
      if (static_cast<int>(measured[i].turns.size()) <= round) {
        if (due && used && hooks.renew && hooks.renew()) {
          ++sitting;
          for (auto& each : warmth)
            if (each == Warmth::warm) each = Warmth::renewed;
        }
        due = false;
        used = true;
        take_turn(points[i], round, sitting, protocol, measured[i], warmth[i], hooks);
      }
      if (hooks.done) hooks.done(i, (static_cast<double>(points.size()) * round + static_cast<double>(i) + 1) / turns);
    }
  }
}

std::vector<std::vector<double>> independent_runs(const Measured& measured) {
  const bool by_sitting = sittings_of(measured) >= kEnoughSittings;
  std::map<int, std::vector<double>> lists;
  for (std::size_t i = 0; i < measured.turns.size(); ++i) {
    const auto& turn = measured.turns[i];
    if (turn.empty()) continue;
    auto& list = lists[by_sitting ? measured.sitting[i] : static_cast<int>(i)];
    list.insert(list.end(), turn.begin(), turn.end());
  }
  std::vector<std::vector<double>> runs;
  for (auto& [key, list] : lists) runs.push_back(std::move(list));
  return runs;
}

std::string describe(const Protocol& protocol, std::span<const Measured> measured) {
  auto text = fmt::format("{} warm-up and {} timed runs a point, points taking turns over {} rounds.", protocol.warmup,
                          protocol.iterations, protocol.rounds);
  std::size_t sittings = 0;
  for (const auto& point : measured) sittings = std::max(sittings, sittings_of(point));
  if (sittings > 1) text += fmt::format(" Engines were made anew between {} sittings.", sittings);
  const auto shortened = std::count_if(measured.begin(), measured.end(), [](auto& point) { return point.shortened; });
  if (shortened == 0) return text;
  int fewest = protocol.iterations;
  for (const auto& point : measured) fewest = std::min(fewest, point.wanted);
  return text + fmt::format(" {} of {} points would have taken over {:g} s and got fewer runs, {} at least.", shortened,
                            measured.size(), protocol.seconds, fewest);
}

}  // namespace halftone
