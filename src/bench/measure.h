#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace halftone {

struct Protocol {
  int warmup = 20;       ///< untimed runs a point
  int iterations = 100;  ///< timed runs a point
  int rounds = 10;  ///< the timed runs of a point are spread over so many turns, so that a noisy minute hits all points
  int sittings = 5;     ///< the rounds are spread over so many sittings; for each, what is measured is made anew
  double seconds = 60;  ///< a point that would take longer gets fewer runs, at least 3 timed ones and one a sitting
  bool operator==(const Protocol&) const = default;
};

/// Does a number of runs of a point and appends the milliseconds that each took; of several sessions at once, all of
/// theirs.
using Point = std::function<void(int runs, std::vector<double>& milliseconds)>;

/// A point that is one call a run.
Point timed(std::function<void()> run);

/// What was learnt of one point.
struct Measured {
  std::vector<std::vector<double>> turns;  ///< durations in milliseconds, a list a turn
  std::vector<int> sitting;                ///< of each turn, rising from 0
  int warmup = 0;
  int wanted = 0;               ///< timed runs that fit into the protocol; 0 before the first turn
  bool shortened = false;       ///< fewer runs than asked for, because of the protocol's `seconds`
  double joules = 0, runs = 0;  ///< energy over all runs of the turns, and their number; 0 joules where nobody can say
};

struct MeasureHooks {
  std::function<void(std::size_t point, double share)> done;  ///< after every turn: the share of all turns that is over
  std::function<std::optional<double>()> joules;              ///< a counter of energy spent so far
  /// Makes everything behind the points anew, in other memory; says false, having done nothing, where that takes too
  /// long to be worth it. Called between two sittings; where it is empty, the engines of the first serve for all.
  std::function<bool()> renew;
};

/// Times each of `points` by the protocol above, in turns, in the calling thread; a renewal may exchange them.
/// `measured` holds one item a point;
/// turns already in it are not taken again, so that what an error (or a signal: cancelled) interrupted can be gone on
/// with. A turn that is not over when an error passes through leaves nothing in it.
void measure(std::span<const Point> points, const Protocol& protocol, std::vector<Measured>& measured,
             const MeasureHooks& hooks = {});

/// The runs of a point in lists of which each differs from the others as much as another measurement would: a list a
/// sitting where there are at least 4 of them, else a list a turn. None is empty.
std::vector<std::vector<double>> independent_runs(const Measured& measured);

/// A few sentences about the protocol, for Results::notes; they name how many points were shortened and in how many
/// sittings the points were measured.
std::string describe(const Protocol& protocol, std::span<const Measured> measured);

}  // namespace halftone
