#include "bench/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "bench/format.h"

namespace halftone {
namespace {

using Points = std::vector<const Result*>;

std::string rate(const Result& result) {
  return fmt::format("{} images/s (95 % interval {} to {})", format_number(result.throughput),
                     format_number(result.ci95.lo), format_number(result.ci95.hi));
}

/// The best point of another precision or engine than `chosen`'s, or null.
template <typename Better>
const Result* runner_up(const Points& points, const Result& chosen, Better better) {
  const Result* best = nullptr;
  for (const auto* point : points) {
    if (point->precision == chosen.precision && point->engine == chosen.engine) continue;
    if (best == nullptr || better(*point, *best)) best = point;
  }
  return best;
}

std::string beside(const Result& chosen, const Result* other, std::string_view what) {
  if (other == nullptr) return "";
  if (chosen.ci95.overlaps(other->ci95))
    return fmt::format(" The difference from {} ({}) is within the noise.", describe(*other), what);
  return "";
}

/// ", 3.70 times FP32's best (3.64 to 3.77)" where FP32 of the same engine and device was measured.
std::string over_fp32(const Points& points, const Result& chosen) {
  const Result* best = nullptr;
  for (const auto* point : points)
    if (point->precision == "fp32" && point->engine == chosen.engine && point->device == chosen.device &&
        (best == nullptr || best->throughput < point->throughput))
      best = point;
  if (best == nullptr || chosen.precision == "fp32") return "";
  const auto ratio = ratio_of(chosen.throughput, chosen.ci95, best->throughput, best->ci95);
  if (!ratio.certain()) return ", which is level with FP32's best within the noise";
  return fmt::format(", {:.2f} times FP32's best ({:.2f} to {:.2f})", ratio.value, ratio.interval.lo,
                     ratio.interval.hi);
}

Advice for_throughput(const std::vector<Sweep>& sweeps, const Points& points) {
  const auto best = std::max_element(sweeps.begin(), sweeps.end(), [](const Sweep& a, const Sweep& b) {
    return a.fastest().throughput < b.fastest().throughput;
  });
  const auto& fastest = best->fastest();
  const auto& knee = best->knee();
  auto text = fmt::format("{}: {}{}", describe(knee), rate(knee), over_fp32(points, knee));
  const auto more = ratio_of(fastest.throughput, fastest.ci95, knee.throughput, knee.ci95);
  if (knee.batch != fastest.batch && more.certain())
    text += fmt::format("; larger batches gain at most {:.0f} % more (batch {}: {})", 100 * (more.value - 1),
                        fastest.batch, format_number(fastest.throughput));
  else if (knee.batch != fastest.batch) text += "; larger batches gain nothing that is more than noise";
  text += ".";
  const auto* other = runner_up(points, fastest, [](const Result& a, const Result& b) { return higher_rate(b, a); });
  if (other != nullptr) text += beside(fastest, other, format_number(other->throughput) + " images/s");
  return {"throughput", text, knee};
}

Advice for_latency(const Points& all) {
  const int batch =
      (*std::min_element(all.begin(), all.end(), [](auto* a, auto* b) { return a->batch < b->batch; }))->batch;
  Points points;
  std::copy_if(all.begin(), all.end(), std::back_inserter(points), [&](auto* point) { return point->batch == batch; });
  const auto faster = [](const Result& a, const Result& b) { return a.latency_ms.p50 < b.latency_ms.p50; };
  const auto& best = **std::min_element(points.begin(), points.end(), [&](auto* a, auto* b) { return faster(*a, *b); });
  auto text = fmt::format("{}: {} ms in the median, {} ms at the 99th percentile.", describe(best),
                          format_number(best.latency_ms.p50), format_number(best.latency_ms.p99));
  const auto* other = runner_up(points, best, faster);
  if (other != nullptr) text += beside(best, other, format_number(other->latency_ms.p50) + " ms");
  return {"latency", text, best};
}

Advice for_limit(const Points& points, const Slo& slo) {
  const Result* best = nullptr;
  const Result* nearest = points.front();
  for (const auto* point : points) {
    if (slo.kept_by(*point) && (best == nullptr || higher_rate(*best, *point))) best = point;
    if (slo.of(*point) < slo.of(*nearest)) nearest = point;
  }
  if (best == nullptr)
    return {"latency limit",
            fmt::format("Nothing measured keeps {} within {} ms; the nearest is {} with {} ms.", slo.percentile,
                        format_number(slo.ms), describe(*nearest), format_number(slo.of(*nearest))),
            {}};
  auto text = fmt::format("Within a {} of {} ms: {}: {}, {} {} ms.", slo.percentile, format_number(slo.ms),
                          describe(*best), rate(*best), slo.percentile, format_number(slo.of(*best)));
  Points keeping;
  std::copy_if(points.begin(), points.end(), std::back_inserter(keeping),
               [&](auto* item) { return slo.kept_by(*item); });
  const auto* other = runner_up(keeping, *best, [](const Result& a, const Result& b) { return higher_rate(b, a); });
  if (other != nullptr) text += beside(*best, other, format_number(other->throughput) + " images/s");
  return {"latency limit", text, *best};
}

Advice for_energy(const Points& points) {
  const Result* best = nullptr;
  for (const auto* point : points)
    if (point->images_per_joule && (best == nullptr || *best->images_per_joule < *point->images_per_joule))
      best = point;
  if (best == nullptr) return {"energy", "Unavailable: energy was not measured.", {}};
  return {"energy",
          fmt::format("{}: {} images a joule, {} images/s.", describe(*best), format_number(*best->images_per_joule),
                      format_number(best->throughput)),
          *best};
}

}  // namespace

std::vector<std::string> models_of(const Results& results) {
  std::vector<std::string> models;
  for (const auto& result : results.results)
    if (std::find(models.begin(), models.end(), result.model) == models.end()) models.push_back(result.model);
  return models;
}

std::vector<Advice> advise(const Results& results, std::string_view model, const std::optional<Slo>& slo) {
  auto sweeps = sweeps_of(results);
  std::erase_if(sweeps, [&](const Sweep& sweep) { return sweep.model != model; });
  Points points;
  for (const auto& sweep : sweeps)
    for (const auto& point : sweep.points) points.push_back(&point);
  if (points.empty()) return {};
  std::vector<Advice> advice{for_throughput(sweeps, points), for_latency(points)};
  if (slo) advice.push_back(for_limit(points, *slo));
  advice.push_back(for_energy(points));
  for (auto& item : advise_accuracy(points)) advice.push_back(std::move(item));
  return advice;
}

}  // namespace halftone
