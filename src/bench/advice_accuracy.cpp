#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "bench/advice.h"
#include "bench/format.h"

namespace halftone {
namespace {

using Points = std::vector<const Result*>;
using Found = std::vector<std::pair<const Result*, const Accuracy*>>;

/// What a precision does to the answers, beside FP32's.
std::string accuracy_words(std::string_view precision, const Accuracy& accuracy, const Accuracy& base) {
  auto text = fmt::format("{} answers {} of {} images right ({})", precision, accuracy.top1, accuracy.images,
                          format_percent(accuracy.top1_share()));
  const double drop = 100 * (base.top1_share() - accuracy.top1_share());
  text += accuracy.top1 == base.top1 && accuracy.images == base.images
              ? ", as many as FP32"
              : fmt::format(", {:.1f} points {} FP32", std::abs(drop), drop < 0 ? "above" : "below");
  if (accuracy.change) {
    const double chance = sign_test(accuracy.change->lost, accuracy.change->gained);
    text += fmt::format(
        " ({} lost, {} gained; {})", accuracy.change->lost, accuracy.change->gained,
        chance < 0.05 ? fmt::format("more than noise, p = {:.2g}", chance) : "within the noise of so many images");
  }
  return text + ".";
}

/// The fastest point of each precision of our engine whose accuracy was measured, FP32 first, and that accuracy.
Found by_precision(const Points& points) {
  Found found;
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

Advice for_kept(const Found& found) {
  if (found.empty() || found.front().first->precision != "fp32")
    return {"accuracy kept", "Accuracy in FP32 was not measured, so no precision can be called safe.", {}};
  const auto& base = *found.front().second;
  const auto* best = &found.front();
  for (const auto& item : found)
    if (item.second->top1_share() >= kAccuracyKept * base.top1_share() && higher_rate(*best->first, *item.first))
      best = &item;
  auto text = fmt::format("{} is the fastest that keeps {:.0f} % of FP32's top-1 ({} of {} images, {}).",
                          best->first->precision, 100 * kAccuracyKept, base.top1, base.images,
                          format_percent(base.top1_share()));
  for (const auto& item : found)
    if (&item != best && item.second->top1_share() >= kAccuracyKept * base.top1_share() &&
        item.first->ci95.overlaps(best->first->ci95))
      text += fmt::format(" Its lead over {} is within the noise.", item.first->precision);
  for (const auto& [point, accuracy] : found)
    if (point->precision != "fp32") text += " " + accuracy_words(point->precision, *accuracy, base);
  return {"accuracy kept", text, *best->first};
}

/// The others' answers beside FP32's decide what is noise: each against FP32 on the same images.
Advice for_any_price(const Found& found) {
  const auto* best = &found.front();
  for (const auto& item : found)
    if (item.second->top1 > best->second->top1) best = &item;
  auto text = fmt::format("{} answers most images right: {} of {} ({}).", best->first->precision, best->second->top1,
                          best->second->images, format_percent(best->second->top1_share()));
  std::vector<std::string> level;
  for (const auto& item : found)
    if (&item != best && item.second->top1 == best->second->top1) level.push_back(item.first->precision);
  if (!level.empty()) text += fmt::format(" As many as {}.", fmt::join(level, " and "));
  for (const auto& item : found) {
    if (item.second->top1 == best->second->top1 && &item != best) continue;
    const auto& change = &item == best ? std::optional<Accuracy::Change>() : item.second->change;
    const auto& own = best->second->change;
    if (best->first->precision == "fp32" && change && sign_test(change->lost, change->gained) >= 0.05)
      text += fmt::format(" That {} answers fewer is within the noise of so many images.", item.first->precision);
    else if (item.first->precision == "fp32" && own && sign_test(own->lost, own->gained) >= 0.05)
      text += " That it answers more than fp32 is within the noise of so many images.";
  }
  return {"accuracy at any price", text, *best->first};
}

}  // namespace

std::vector<Advice> advise_accuracy(const std::vector<const Result*>& points) {
  const auto found = by_precision(points);
  std::vector<Advice> advice;
  if (!found.empty()) advice.push_back(for_any_price(found));
  advice.push_back(for_kept(found));
  return advice;
}

}  // namespace halftone
