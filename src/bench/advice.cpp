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

/// "; 3.7 times fp32's best" where FP32 of the same engine and device was measured.
std::string over_fp32(const Points& points, const Result& chosen) {
  double best = 0;
  for (const auto* point : points)
    if (point->precision == "fp32" && point->engine == chosen.engine && point->device == chosen.device)
      best = std::max(best, point->throughput);
  if (best == 0 || chosen.precision == "fp32") return "";
  return fmt::format(", {:.2f} times FP32's best", chosen.throughput / best);
}

bool higher_rate(const Result& a, const Result& b) { return a.throughput < b.throughput; }

Advice for_throughput(const std::vector<Sweep>& sweeps, const Points& points) {
  const auto best = std::max_element(sweeps.begin(), sweeps.end(), [](const Sweep& a, const Sweep& b) {
    return a.fastest().throughput < b.fastest().throughput;
  });
  const auto& fastest = best->fastest();
  const auto& knee = best->knee();
  auto text = fmt::format("{}: {}{}", describe(knee), rate(knee), over_fp32(points, knee));
  if (knee.batch != fastest.batch)
    text +=
        fmt::format("; larger batches gain at most {:.0f} % more (batch {}: {})",
                    100 * (fastest.throughput / knee.throughput - 1), fastest.batch, format_number(fastest.throughput));
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

Advice for_limit(const Points& points, double limit) {
  const Result* best = nullptr;
  const Result* nearest = points.front();
  for (const auto* point : points) {
    if (point->latency_ms.p99 <= limit && (best == nullptr || higher_rate(*best, *point))) best = point;
    if (point->latency_ms.p99 < nearest->latency_ms.p99) nearest = point;
  }
  if (best == nullptr)
    return {"latency limit",
            fmt::format("Nothing measured keeps p99 within {} ms; the nearest is {} with {} ms.", format_number(limit),
                        describe(*nearest), format_number(nearest->latency_ms.p99)),
            {}};
  return {"latency limit",
          fmt::format("Within a p99 of {} ms: {}: {}, p99 {} ms.", format_number(limit), describe(*best), rate(*best),
                      format_number(best->latency_ms.p99)),
          *best};
}

/// What a precision does to the answers, beside FP32's.
std::string accuracy_words(std::string_view precision, const Accuracy& accuracy, const Accuracy& base) {
  auto text = fmt::format("{} answers {} of {} images right ({})", precision, accuracy.top1, accuracy.images,
                          format_percent(accuracy.top1_share()));
  const double drop = 100 * (base.top1_share() - accuracy.top1_share());
  text += fmt::format(", {:.1f} points {} FP32", std::abs(drop), drop < 0 ? "above" : "below");
  if (accuracy.change) {
    const double chance = sign_test(accuracy.change->lost, accuracy.change->gained);
    text += fmt::format(
        " ({} lost, {} gained; {})", accuracy.change->lost, accuracy.change->gained,
        chance < 0.05 ? fmt::format("more than noise, p = {:.2g}", chance) : "within the noise of so many images");
  }
  return text + ".";
}

/// The fastest point of each precision of our engine whose accuracy was measured, FP32 first, and that accuracy.
std::vector<std::pair<const Result*, const Accuracy*>> by_precision(const Points& points) {
  std::vector<std::pair<const Result*, const Accuracy*>> found;
  for (const auto* point : points) {
    if (point->engine != "halftone") continue;
    auto at =
        std::find_if(found.begin(), found.end(), [&](auto& item) { return item.first->precision == point->precision; });
    if (at == found.end())
      at = found.insert(point->precision == "fp32" ? found.begin() : found.end(), {point, nullptr});
    if (point->accuracy && at->second == nullptr) at->second = &*point->accuracy;
    if (higher_rate(*at->first, *point)) at->first = point;
  }
  std::erase_if(found, [](auto& item) { return item.second == nullptr; });
  return found;
}

Advice for_accuracy(const Points& points) {
  const auto found = by_precision(points);
  if (found.empty() || found.front().first->precision != "fp32")
    return {"accuracy", "Accuracy in FP32 was not measured, so no precision can be called safe.", {}};
  const auto& base = *found.front().second;
  const auto* best = &found.front();
  for (const auto& item : found)
    if (item.second->top1_share() >= kAccuracyKept * base.top1_share() && higher_rate(*best->first, *item.first))
      best = &item;
  auto text = fmt::format("{} is the fastest that keeps {:.0f} % of FP32's top-1 ({} of {} images, {}).",
                          best->first->precision, 100 * kAccuracyKept, base.top1, base.images,
                          format_percent(base.top1_share()));
  for (const auto& [point, accuracy] : found)
    if (point->precision != "fp32") text += " " + accuracy_words(point->precision, *accuracy, base);
  return {"accuracy", text, *best->first};
}

}  // namespace

std::vector<std::string> models_of(const Results& results) {
  std::vector<std::string> models;
  for (const auto& result : results.results)
    if (std::find(models.begin(), models.end(), result.model) == models.end()) models.push_back(result.model);
  return models;
}

std::vector<Advice> advise(const Results& results, std::string_view model, std::optional<double> p99_limit_ms) {
  auto sweeps = sweeps_of(results);
  std::erase_if(sweeps, [&](const Sweep& sweep) { return sweep.model != model; });
  Points points;
  for (const auto& sweep : sweeps)
    for (const auto& point : sweep.points) points.push_back(&point);
  if (points.empty()) return {};
  std::vector<Advice> advice{for_throughput(sweeps, points), for_latency(points)};
  if (p99_limit_ms) advice.push_back(for_limit(points, *p99_limit_ms));
  advice.push_back(for_accuracy(points));
  return advice;
}

}  // namespace halftone
