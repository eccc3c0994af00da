#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace halftone {

struct Protocol {
  int warmup = 20;       ///< untimed runs a point
  int iterations = 100;  ///< timed runs a point
  int rounds = 5;  ///< the timed runs of a point are spread over so many turns, so that a noisy minute hits all points
  double seconds = 60;  ///< a point that would take longer gets fewer runs, at least 3 timed ones
};

/// The durations of one point's timed runs.
struct Measured {
  std::vector<double> milliseconds;
  int warmup = 0;
  bool shortened = false;  ///< fewer runs than asked for, because of `seconds`
};

/// Times each of `points` (each call does one run) by the protocol above, in the calling thread. `done` is called after
/// every turn with the point's index and the share of all turns that is over. Throws cancelled after a signal.
std::vector<Measured> measure(std::span<const std::function<void()>> points, const Protocol& protocol,
                              const std::function<void(std::size_t point, double share)>& done = {});

/// One sentence about the protocol, for Results::notes; names how many points were shortened.
std::string describe(const Protocol& protocol, std::span<const Measured> measured);

}  // namespace halftone
