#include "bench/measure.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "bench/statistics.h"

namespace halftone {
namespace {

constexpr int kLeastIterations = 3;
constexpr double kWarmsItself = 100;  // ms: a run that long fills the caches on its way

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
  const int least = std::min(kLeastIterations, protocol.iterations);
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

void take_turn(const Point& point, int round, const Protocol& protocol, Measured& measured, bool& warm,
               const MeasureHooks& hooks) {
  std::vector<double> milliseconds;
  if (!warm) warm_up(point, protocol, measured);
  const int runs = runs_before(round + 1, measured, protocol) - runs_before(round, measured, protocol);
  if (runs > 0 && warm && median_of(measured) < kWarmsItself) (void)one_run(point, milliseconds);
  warm = true;
  milliseconds.clear();
  const auto before = hooks.joules ? hooks.joules() : std::nullopt;
  if (runs > 0) point(runs, milliseconds);
  const auto after = hooks.joules ? hooks.joules() : std::nullopt;
  if (before && after) {
    measured.joules += *after - *before;
    measured.runs += static_cast<double>(milliseconds.size());
  }
  measured.turns.push_back(std::move(milliseconds));
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
  std::vector<char> warm(points.size());
  for (int round = 0; round < protocol.rounds; ++round)
    for (std::size_t i = 0; i < points.size(); ++i) {
      check_interrupted();
      bool is_warm = warm[i] != 0;
      if (static_cast<int>(measured[i].turns.size()) <= round)
        take_turn(points[i], round, protocol, measured[i], is_warm, hooks);
      warm[i] = is_warm ? 1 : 0;
      if (hooks.done) hooks.done(i, (static_cast<double>(points.size()) * round + static_cast<double>(i) + 1) / turns);
    }
}

std::string describe(const Protocol& protocol, std::span<const Measured> measured) {
  auto text = fmt::format("{} warm-up and {} timed runs a point, points taking turns over {} rounds.", protocol.warmup,
                          protocol.iterations, protocol.rounds);
  const auto shortened = std::count_if(measured.begin(), measured.end(), [](auto& point) { return point.shortened; });
  if (shortened == 0) return text;
  int fewest = protocol.iterations;
  for (const auto& point : measured) fewest = std::min(fewest, point.wanted);
  return text + fmt::format(" {} of {} points would have taken over {:g} s and got fewer runs, {} at least.", shortened,
                            measured.size(), protocol.seconds, fewest);
}

}  // namespace halftone
