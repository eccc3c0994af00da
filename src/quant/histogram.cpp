#include "quant/histogram.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/dtype.h"

namespace halftone {
namespace {

constexpr std::array<std::pair<Calibrator, std::string_view>, 4> kNames{{{Calibrator::minmax, "minmax"},
                                                                         {Calibrator::percentile, "percentile"},
                                                                         {Calibrator::entropy, "entropy"},
                                                                         {Calibrator::mse, "mse"}}};
constexpr int kLevels = 256;
constexpr int kCandidates = 128;  // clipping thresholds tried, evenly spaced up to the largest value seen

/// Levels between the ends of a range that was cut to what was seen: a symmetric scale leaves those below it unused,
/// half of all where nothing is negative.
std::size_t levels_between(double low, double high, bool symmetric) {
  if (!symmetric || high <= low) return kLevels;
  return static_cast<std::size_t>(std::lround((kLevels / 2 - 1) * (high - low) / std::max(-low, high))) + 1;
}

}  // namespace

std::string_view name(Calibrator calibrator) { return kNames[static_cast<std::size_t>(calibrator)].second; }

std::optional<Calibrator> parse_calibrator(std::string_view text) {
  for (const auto& [calibrator, spelled] : kNames)
    if (spelled == text) return calibrator;
  return std::nullopt;
}

void Histogram::add(std::span<const float> values) {
  float low = low_, high = high_;
  std::uint64_t bad = 0;
  const auto count = static_cast<std::int64_t>(values.size());
#pragma omp parallel for reduction(min : low) reduction(max : high) reduction(+ : bad)
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = values[static_cast<std::size_t>(i)];
    const bool finite = std::abs(value) <= std::numeric_limits<float>::max();
    bad += !finite;
    low = finite && value < low ? value : low;
    high = finite && value > high ? value : high;
  }
  low_ = low, high_ = high;
  not_finite_ += bad;
  count_ += values.size() - bad;
  const float reach = std::max(-low, high);
  if (reach == 0 || reach >= reach_) widen(reach);
  const float scale = static_cast<float>(kBins / 2) / reach_;
#pragma omp parallel
  {
    // Four counters a bin, so that a run of equal values does not wait for its own last increment.
    std::vector<std::uint32_t> mine(4 * kBins, 0);
#pragma omp for
    for (std::int64_t i = 0; i < count; ++i) {
      // Zero is exact at any scale, and relu makes so many that they would drown the rest: they are left out.
      const float value = values[static_cast<std::size_t>(i)];
      const float at = value * scale + static_cast<float>(kBins / 2);
      if (value == 0 || !(at >= 0 && at < static_cast<float>(kBins))) continue;
      ++mine[static_cast<std::size_t>(i & 3) * kBins + static_cast<std::size_t>(at)];
    }
#pragma omp critical
    for (std::size_t i = 0; i < 4 * kBins; ++i) bins_[i % kBins] += mine[i];
  }
}

void Histogram::merge(const Histogram& other) {
  low_ = std::min(low_, other.low_);
  high_ = std::max(high_, other.high_);
  count_ += other.count_;
  not_finite_ += other.not_finite_;
  Histogram copy = other;
  const float reach = std::max(reach_, other.reach_);
  if (reach == 0) return;
  if (reach_ == 0) {
    bins_ = other.bins_;
    reach_ = other.reach_;
    return;
  }
  // Reaches are powers of two times one another only by chance: add the other's bins at their centres.
  widen(reach);
  for (std::size_t i = 0; i < kBins; ++i) {
    if (copy.bins_[i] == 0) continue;
    const double at = (copy.center(i) / static_cast<double>(reach_) + 1) * static_cast<double>(kBins / 2);
    bins_[std::min(kBins - 1, static_cast<std::size_t>(at))] += copy.bins_[i];
  }
}

void Histogram::widen(float reach) {
  if (reach_ == 0) {
    // A power of two keeps bin borders where doubling leaves them.
    reach_ = reach > 0 ? std::ldexp(1.0f, std::ilogb(reach) + 1) : 1.0f;
    return;
  }
  while (reach_ <= reach) {
    std::vector<std::uint64_t> wide(kBins, 0);
    for (std::size_t i = 0; i < kBins; ++i) wide[kBins / 4 + i / 2] += bins_[i];
    bins_ = std::move(wide);
    reach_ *= 2;
  }
}

double Histogram::center(std::size_t bin) const {
  return (static_cast<double>(bin) + 0.5 - static_cast<double>(kBins / 2)) * static_cast<double>(reach_) /
         static_cast<double>(kBins / 2);
}

Range Histogram::range(Calibrator calibrator, double percentile, bool symmetric) const {
  Range range{low_, high_};
  if (count_ > 0 && reach_ > 0 && low_ < high_) {
    if (calibrator == Calibrator::percentile) range = by_percentile(percentile);
    if (calibrator == Calibrator::entropy) range = by_entropy(symmetric);
    if (calibrator == Calibrator::mse) range = by_mse(symmetric);
  }
  range.low = std::clamp(range.low, low_, 0.0f);
  range.high = std::clamp(range.high, 0.0f, high_);
  if (symmetric) {
    range.high = std::max(-range.low, range.high);
    range.low = -range.high;
  }
  return range;
}

double Histogram::float8_error(float shift, float scale) const {
  double error = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins_[i] == 0) continue;
    const float x = static_cast<float>(center(i)) - shift;
    const double off = static_cast<double>(static_cast<float>(Float8(x / scale)) * scale - x);
    error += static_cast<double>(bins_[i]) * off * off;
  }
  return error;
}

Range Histogram::by_percentile(double percentile) const {
  const double outside = static_cast<double>(count_) * (1 - percentile / 100);
  double sum = 0;
  std::size_t low = 0, high = kBins - 1;
  while (low < kBins / 2 && (sum += static_cast<double>(bins_[low])) <= outside) ++low;
  sum = 0;
  while (high > kBins / 2 && (sum += static_cast<double>(bins_[high])) <= outside) --high;
  const double half = static_cast<double>(reach_) / static_cast<double>(kBins);
  return {static_cast<float>(center(low) - half), static_cast<float>(center(high) + half)};
}

Range Histogram::by_entropy(bool symmetric) const {
  // Kullback-Leibler divergence between the clipped distribution and its quantised self, as TensorRT's calibrator
  // describes it (Migacz, GTC 2017), over both signs: [-t, t] cut to what was seen.
  double best = std::numeric_limits<double>::max();
  Range choice{low_, high_};
  const double largest = static_cast<double>(std::max(-low_, high_));
  for (int step = 16; step <= kCandidates; ++step) {
    const double t = largest * step / kCandidates;
    const double low = std::max(-t, static_cast<double>(low_));
    const double high = std::min(t, static_cast<double>(high_));
    const double to_bin = static_cast<double>(kBins / 2) / static_cast<double>(reach_);
    const auto first = static_cast<std::size_t>(std::max(0.0, low * to_bin + static_cast<double>(kBins / 2)));
    const auto last = std::min(kBins - 1, static_cast<std::size_t>(high * to_bin + static_cast<double>(kBins / 2)));
    const std::size_t levels = levels_between(low, high, symmetric);
    if (last - first + 1 < levels) continue;
    std::vector<double> p(bins_.begin() + static_cast<std::ptrdiff_t>(first),
                          bins_.begin() + static_cast<std::ptrdiff_t>(last + 1));
    std::vector<char> occupied(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) occupied[i] = p[i] > 0;
    std::vector<double> q(p.size(), 0.0);
    for (std::size_t level = 0; level < levels; ++level) {
      const std::size_t begin = level * p.size() / levels, end = (level + 1) * p.size() / levels;
      double mass = 0;
      std::size_t used = 0;
      for (std::size_t i = begin; i < end; ++i) mass += p[i], used += static_cast<std::size_t>(occupied[i]);
      for (std::size_t i = begin; i < end; ++i)
        if (occupied[i]) q[i] = mass / static_cast<double>(used);
    }
    for (std::size_t i = 0; i < first; ++i) p.front() += static_cast<double>(bins_[i]);
    for (std::size_t i = last + 1; i < kBins; ++i) p.back() += static_cast<double>(bins_[i]);
    double p_sum = 0, q_sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) p_sum += p[i], q_sum += q[i];
    if (q_sum == 0) continue;
    double divergence = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] == 0) continue;
      const double x = p[i] / p_sum;
      divergence += x * std::log(x / std::max(q[i] / q_sum, 1e-12));
    }
    if (divergence < best) {
      best = divergence;
      choice = {static_cast<float>(low), static_cast<float>(high)};
    }
  }
  return choice;
}

Range Histogram::by_mse(bool symmetric) const {
  // Rounding costs step^2 / 12 a value inside the range, clipping the squared distance outside it.
  double best = std::numeric_limits<double>::max();
  Range choice{low_, high_};
  const double largest = static_cast<double>(std::max(-low_, high_));
  for (int step = 8; step <= kCandidates; ++step) {
    const double t = largest * step / kCandidates;
    const double low = std::max(-t, static_cast<double>(low_));
    const double high = std::min(t, static_cast<double>(high_));
    const double width = (high - low) / static_cast<double>(levels_between(low, high, symmetric) - 1);
    double error = 0;
    for (std::size_t i = 0; i < kBins; ++i) {
      if (bins_[i] == 0) continue;
      const double x = center(i);
      const double outside = x < low ? low - x : x > high ? x - high : 0.0;
      error += static_cast<double>(bins_[i]) * (outside > 0 ? outside * outside : width * width / 12);
    }
    if (error < best) {
      best = error;
      choice = {static_cast<float>(low), static_cast<float>(high)};
    }
  }
  return choice;
}

}  // namespace halftone
