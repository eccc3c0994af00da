#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace halftone {

struct Interval {
  double lo = 0;
  double hi = 0;
  bool operator==(const Interval&) const = default;
  bool overlaps(const Interval& other) const { return lo <= other.hi && other.lo <= hi; }
};

/// The middle value, or the mean of the two in the middle. Samples in any order; at least one.
double median(std::span<const double> samples);

/// sorted[floor(n * p)], the last one where that is out of range; 0 <= p <= 1. At least one sample.
double percentile(std::span<const double> samples, double p);

/// Confidence interval of the median of samples taken in several groups (sittings, or turns): `resamples` times, groups
/// are drawn with replacement and within each drawn group samples are, and percentiles of their medians are given
/// (Efron's percentile bootstrap in two stages). Samples of one group resemble each other, and drawing them as if they
/// did not would promise more than another run of the program keeps. As groups are few, the percentiles lie further out
/// than (1 - confidence) / 2: where the normal distribution has what Student's has there, times sqrt(n / (n - 1)) for n
/// groups (T. Hesterberg, The American Statistician 69, 2015: expanded percentiles). Of one group only its samples are
/// drawn. The same seed gives the same interval. Every group has a sample, and there is a group.
Interval bootstrap_median(std::span<const std::vector<double>> groups, double confidence = 0.95, int resamples = 1000,
                          std::uint64_t seed = 1);

/// The quotient of two independent figures, and the widest interval that theirs allow: [a.lo / b.hi, a.hi / b.lo]. 1
/// and everything where b is 0.
struct Ratio {
  double value = 1;
  Interval interval;
  /// Whether the interval leaves out 1: which of the two is larger is more than noise.
  bool certain() const { return interval.lo > 1 || interval.hi < 1; }
};
Ratio ratio_of(double a, const Interval& a_interval, double b, const Interval& b_interval);

/// Wilson's score interval of a proportion, `right` of `total` (E. B. Wilson, JASA 22, 1927); z = 1.96 is 95 %.
/// {0, 1} where total is 0.
Interval wilson(std::int64_t right, std::int64_t total, double z = 1.959963984540054);

/// Two-sided exact sign test: the probability of a split at least as uneven as `lost` against `gained` when both are
/// equally likely (McNemar's exact test on paired answers). 1 where both are 0.
double sign_test(std::int64_t lost, std::int64_t gained);

/// exp(mean(log(x))) of positive values; at least one.
double geometric_mean(std::span<const double> values);

}  // namespace halftone
