#pragma once
#include <string>
#include <string_view>

#include "bench/results.h"

namespace halftone {

/// A limit that a latency has to keep.
struct Slo {
  std::string percentile = "p99";  ///< "p50", "p90", "p95" or "p99"
  double ms = 0;

  /// What the limit is about, of a point.
  double of(const Result& result) const;
  bool kept_by(const Result& result) const { return of(result) <= ms; }
};

/// "p99=15ms", "p50=800us", "p95=1.5s"; milliseconds where there is no unit. Throws invalid_argument.
Slo parse_slo(std::string_view text);

}  // namespace halftone
