#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/error.h"

namespace halftone {
namespace {

double median_in_place(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

/// The standard normal distribution's quantile, by bisection.
double normal_quantile(double p) {
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return low;
}

/// Student's quantile with v degrees of freedom, by Fisher's expansion about the normal one.
double student_quantile(double p, double v) {
  const double z = normal_quantile(p), z2 = z * z;
  return z * (1 + (z2 + 1) / (4 * v) + ((5 * z2 + 16) * z2 + 3) / (96 * v * v) +
              (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * v * v * v));
}

/// The percentile to take of bootstrapped medians of `n` groups instead of `tail`.
double expanded_tail(double tail, std::size_t n) {
  if (n < 2) return tail;
  const auto count = static_cast<double>(n);
  const double edge = std::sqrt(count / (count - 1)) * student_quantile(tail, count - 1);
  return std::erfc(-edge / std::sqrt(2.0)) / 2;
}

}  // namespace

double median(std::span<const double> samples) {
  ASSERT(!samples.empty());
  std::vector<double> values(samples.begin(), samples.end());
  return median_in_place(values);
}

double percentile(std::span<const double> samples, double p) {
  ASSERT(!samples.empty() && p >= 0 && p <= 1);
  std::vector<double> values(samples.begin(), samples.end());
  const auto rank = static_cast<std::size_t>(static_cast<double>(values.size()) * p);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Interval bootstrap_median(std::span<const std::vector<double>> groups, double confidence, int resamples,
                          std::uint64_t seed) {
  ASSERT(!groups.empty() && resamples > 0 && confidence > 0 && confidence < 1);
  std::mt19937_64 random(seed);
  // 53 bits scaled to [0, n): unlike uniform_int_distribution, the same on every standard library.
  const auto draw = [&](std::size_t n) {
    return static_cast<std::size_t>(static_cast<double>(random() >> 11) * 0x1p-53 * static_cast<double>(n));
  };
  std::vector<double> medians(static_cast<std::size_t>(resamples));
  std::vector<double> drawn;
  for (auto& result : medians) {
    drawn.clear();
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const auto& group = groups[draw(groups.size())];
      ASSERT(!group.empty());
      for (std::size_t j = 0; j < group.size(); ++j) drawn.push_back(group[draw(group.size())]);
    }
    result = median_in_place(drawn);
  }
  const double tail = expanded_tail((1 - confidence) / 2, groups.size());
  return {percentile(medians, tail), percentile(medians, 1 - tail)};
}

Ratio ratio_of(double a, const Interval& a_interval, double b, const Interval& b_interval) {
  if (!(b > 0)) return {1, {0, std::numeric_limits<double>::infinity()}};
  return {a / b, {a_interval.lo / b_interval.hi, a_interval.hi / b_interval.lo}};
}

Interval wilson(std::int64_t right, std::int64_t total, double z) {
  ASSERT(right >= 0 && right <= total);
  if (total == 0) return {0, 1};
  const auto n = static_cast<double>(total);
  const double share = static_cast<double>(right) / n;
  const double scale = 1 / (1 + z * z / n);
  const double center = scale * (share + z * z / (2 * n));
  const double half = scale * z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, center - half), std::min(1.0, center + half)};
}

double sign_test(std::int64_t lost, std::int64_t gained) {
  ASSERT(lost >= 0 && gained >= 0);
  const auto n = static_cast<double>(lost + gained);
  double tail = 0;
  for (std::int64_t k = 0; k <= std::min(lost, gained); ++k) {
    const auto x = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) - n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

double geometric_mean(std::span<const double> values) {
  ASSERT(!values.empty());
  double sum = 0;
  for (const double value : values) {
    ASSERT(value > 0);
    sum += std::log(value);
  }
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace halftone
