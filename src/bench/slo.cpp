#include "bench/slo.h"

#include <charconv>
#include <cmath>

#include "base/error.h"

namespace halftone {

double Slo::of(const Result& result) const {
  const auto& latency = result.latency_ms;
  if (percentile == "p50") return latency.p50;
  if (percentile == "p90") return latency.p90;
  if (percentile == "p95") return latency.p95;
  return latency.p99;
}

Slo parse_slo(std::string_view text) {
  const auto refuse = [&] {
    fail(Code::invalid_argument, "latency limit '{}': p50, p90, p95 or p99, '=' and a time, as in p99=15ms", text);
  };
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) refuse();
  Slo slo{std::string(text.substr(0, equals)), 0};
  if (slo.percentile != "p50" && slo.percentile != "p90" && slo.percentile != "p95" && slo.percentile != "p99")
    refuse();
  const auto* begin = text.data() + equals + 1;
  const auto* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(begin, end, slo.ms);
  const std::string_view unit(after, static_cast<std::size_t>(end - after));
  if (error != std::errc() || !std::isfinite(slo.ms) || !(slo.ms > 0)) refuse();
  if (unit == "us") slo.ms /= 1000;
  else if (unit == "s") slo.ms *= 1000;
  else if (unit != "ms" && !unit.empty()) refuse();
  return slo;
}

}  // namespace halftone
