#include "bench/results.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace halftone {

Result make_result(Result description, std::span<const std::vector<double>> lists_ms) {
  std::vector<std::vector<double>> lists;
  std::vector<double> all;
  for (const auto& list : lists_ms) {
    if (!list.empty()) lists.push_back(list);
    all.insert(all.end(), list.begin(), list.end());
  }
  ASSERT(!all.empty());
  const double images_ms = 1000.0 * description.batch * description.sessions;
  const auto interval = bootstrap_median(lists);
  description.latency_ms = {median(all), percentile(all, 0.90), percentile(all, 0.95), percentile(all, 0.99)};
  description.throughput = images_ms / description.latency_ms.p50;
  description.ci95 = {images_ms / interval.hi, images_ms / interval.lo};
  description.iterations = static_cast<int>(all.size());
  return description;
}

const Result& Sweep::fastest() const {
  ASSERT(!points.empty());
  return *std::max_element(points.begin(), points.end(),
                           [](const Result& a, const Result& b) { return a.throughput < b.throughput; });
}

const Result& Sweep::knee() const {
  const double enough = 0.9 * fastest().throughput;
  return *std::find_if(points.begin(), points.end(), [&](const Result& point) { return point.throughput >= enough; });
}

std::vector<Sweep> sweeps_of(const Results& results) {
  std::vector<Sweep> sweeps;
  for (const auto& result : results.results) {
    const auto key = [](const auto& item) {
      return std::tie(item.model, item.engine, item.device, item.precision, item.threads, item.sessions);
    };
    auto sweep =
        std::find_if(sweeps.begin(), sweeps.end(), [&](const Sweep& other) { return key(other) == key(result); });
    if (sweep == sweeps.end()) {
      sweeps.push_back(
          {result.model, result.engine, result.device, result.precision, result.threads, result.sessions, {}});
      sweep = std::prev(sweeps.end());
    }
    auto& points = sweep->points;
    const auto at = std::lower_bound(points.begin(), points.end(), result.batch,
                                     [](const Result& point, int batch) { return point.batch < batch; });
    if (at != points.end() && at->batch == result.batch) *at = result;
    else points.insert(at, result);
  }
  return sweeps;
}

}  // namespace halftone
