#include "bench/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "bench/format.h"

namespace halftone {
namespace {

bool is_part(const Result& one, const Result& set) {
  const auto key = [](const Result& item) {
    return std::tuple(item.model, item.engine, item.precision, item.batch, item.sessions / item.devices);
  };
  return one.devices == 1 && set.devices > 1 && key(one) == key(set) && set.device.starts_with(one.device + ",");
}

}  // namespace

Rows scaling_rows(const Results& results, const std::string& model) {
  Rows rows{{"precision", "batch", "device", "devices", "images/s", "95 % interval", "p50 ms", "× one", "efficiency"}};
  const auto add = [&](const Result& item, const std::string& times, const std::string& efficiency) {
    rows.push_back({item.precision, std::to_string(item.batch), item.device, std::to_string(item.devices),
                    format_number(item.throughput), format_number(item.ci95.lo) + "–" + format_number(item.ci95.hi),
                    format_number(item.latency_ms.p50), times, efficiency});
  };
  for (const auto& one : results.results) {
    if (one.model != model || one.devices != 1) continue;
    std::vector<const Result*> sets;
    for (const auto& set : results.results)
      if (is_part(one, set)) sets.push_back(&set);
    std::stable_sort(sets.begin(), sets.end(), [](auto* a, auto* b) { return a->devices < b->devices; });
    if (!sets.empty()) add(one, "1", "100 %");
    for (const auto* set : sets) {
      const auto ratio = ratio_of(set->throughput, set->ci95, one.throughput, one.ci95);
      add(*set, ratio_text(ratio),
          fmt::format("{:.1f} % ({:.1f}–{:.1f})", 100 * ratio.value / set->devices,
                      100 * ratio.interval.lo / set->devices, 100 * ratio.interval.hi / set->devices));
    }
  }
  return rows;
}

}  // namespace halftone
