#include "bench/measure.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/interrupt.h"

namespace halftone {
namespace {

constexpr int kLeastIterations = 3;

double milliseconds_of(const std::function<void()>& run) {
  check_interrupted();
  const double begin = now_seconds();
  run();
  return 1000 * (now_seconds() - begin);
}

/// The first turn of a point: warms up and finds out how many timed runs fit.
int warm_up(const std::function<void()>& run, const Protocol& protocol, Measured& measured) {
  (void)milliseconds_of(run);
  double each = milliseconds_of(run);
  measured.warmup = 2;
  const double limit = 1000 * protocol.seconds;
  const double share = static_cast<double>(protocol.warmup) / (protocol.warmup + protocol.iterations);
  for (double spent = 2 * each; measured.warmup < protocol.warmup && spent + each < share * limit; spent += each) {
    each = std::min(each, milliseconds_of(run));
    ++measured.warmup;
  }
  const double fitting = (limit - measured.warmup * each) / std::max(each, 1e-6);
  return static_cast<int>(
      std::clamp<double>(fitting, std::min(kLeastIterations, protocol.iterations), protocol.iterations));
}

}  // namespace

std::vector<Measured> measure(std::span<const std::function<void()>> points, const Protocol& protocol,
                              const std::function<void(std::size_t, double)>& done) {
  ASSERT(protocol.iterations > 0 && protocol.rounds > 0 && protocol.warmup >= 0);
  std::vector<Measured> measured(points.size());
  std::vector<int> wanted(points.size());
  const auto turns = static_cast<double>(points.size()) * protocol.rounds;
  for (int round = 0; round < protocol.rounds; ++round)
    for (std::size_t i = 0; i < points.size(); ++i) {
      auto& durations = measured[i].milliseconds;
      if (round == 0) {
        wanted[i] = warm_up(points[i], protocol, measured[i]);
        measured[i].shortened = wanted[i] < protocol.iterations;
      } else {
        (void)milliseconds_of(points[i]);  // the other points' data has left the caches
      }
      const auto until = static_cast<std::size_t>(wanted[i] * (round + 1) / protocol.rounds);
      while (durations.size() < until) durations.push_back(milliseconds_of(points[i]));
      if (done) done(i, (static_cast<double>(points.size()) * round + static_cast<double>(i) + 1) / turns);
    }
  return measured;
}

std::string describe(const Protocol& protocol, std::span<const Measured> measured) {
  auto text = fmt::format("{} warm-up and {} timed runs a point, points taking turns over {} rounds.", protocol.warmup,
                          protocol.iterations, protocol.rounds);
  const auto shortened = std::count_if(measured.begin(), measured.end(), [](auto& point) { return point.shortened; });
  if (shortened == 0) return text;
  std::size_t fewest = measured.front().milliseconds.size();
  for (const auto& point : measured) fewest = std::min(fewest, point.milliseconds.size());
  return text + fmt::format(" {} of {} points would have taken over {:g} s and got fewer runs, {} at least.", shortened,
                            measured.size(), protocol.seconds, fewest);
}

}  // namespace halftone
