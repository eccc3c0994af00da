#pragma once
#include <functional>
#include <vector>

#include "engine/session.h"

namespace halftone {

struct MeasureOptions {
  int warm_up = 20;
  int iterations = 100;
  double most_seconds = 5;  ///< a point stops here with what it has, but never under `fewest` timed runs
  int fewest = 5;
  /// On a device with its own memory: whether each run brings its inputs from the host and its outputs back.
  bool with_copies = false;
};

/// Milliseconds of single runs of one program on inputs of its own (seeded random), after warming up.
std::vector<double> measure_latency(Session& session, std::int64_t batch, const MeasureOptions& options);

}  // namespace halftone
