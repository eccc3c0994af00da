#include "bench/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace halftone {
namespace {

TEST(Statistics, MedianOfOddAndEvenCounts) {
  EXPECT_EQ(median(std::vector<double>{5}), 5);
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median(std::vector<double>{7, 7, 1, 9}), 7);
}

TEST(Statistics, PercentileIsTheSampleAtFloorOfNTimesP) {
  std::vector<double> samples;
  for (int i = 100; i > 0; --i) samples.push_back(i);
  EXPECT_EQ(percentile(samples, 0), 1);
  EXPECT_EQ(percentile(samples, 0.5), 51);
  EXPECT_EQ(percentile(samples, 0.99), 100);
  EXPECT_EQ(percentile(samples, 1), 100);
  EXPECT_EQ(percentile(std::vector<double>{1, 2, 3}, 0.9), 3);
  EXPECT_EQ(percentile(std::vector<double>{1, 2, 3}, 0.5), 2);
}

TEST(Statistics, BootstrapCoversTheTrueMedianAsOftenAsItClaims) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> draw(1.0);
  int covered = 0;
  constexpr int kTrials = 400;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> samples(101);
    for (auto& sample : samples) sample = draw(random);
    const auto interval = bootstrap_median(std::span(&samples, 1), 0.95, 300, static_cast<std::uint64_t>(trial));
    covered += interval.lo <= std::log(2.0) && std::log(2.0) <= interval.hi;
  }
  EXPECT_GE(covered, 0.91 * kTrials);
  EXPECT_LE(covered, 0.99 * kTrials);
}

TEST(Statistics, BootstrapRepeatsForOneSeedAndHoldsTheMedian) {
  const std::vector<double> samples{9, 1, 4, 7, 3, 8, 2, 6, 5, 10, 12, 11};
  const auto first = bootstrap_median(std::span(&samples, 1));
  EXPECT_EQ(first, bootstrap_median(std::span(&samples, 1)));
  EXPECT_LE(first.lo, median(samples));
  EXPECT_GE(first.hi, median(samples));
  EXPECT_LT(first.lo, first.hi);
  EXPECT_EQ(bootstrap_median(std::vector<std::vector<double>>{{3}}), (Interval{3, 3}));
}

TEST(Statistics, TurnsThatDriftWidenTheInterval) {
  // Each turn is off by an error of its own, ten times what its samples scatter by: as memory placement and clocks do.
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  int covered = 0, covered_as_if_one = 0;
  constexpr int kTrials = 400;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::vector<double>> turns(10);
    std::vector<double> all;
    for (auto& turn : turns) {
      const double off = normal(random);
      for (int i = 0; i < 10; ++i) turn.push_back(100 + off + 0.1 * normal(random));
      all.insert(all.end(), turn.begin(), turn.end());
    }
    const auto holds = [](const Interval& interval) { return interval.lo <= 100 && 100 <= interval.hi; };
    covered += holds(bootstrap_median(turns, 0.95, 300));
    covered_as_if_one += holds(bootstrap_median(std::span(&all, 1), 0.95, 300));
  }
  EXPECT_GE(covered, 0.92 * kTrials);
  EXPECT_LE(covered, 0.99 * kTrials);
  EXPECT_LE(covered_as_if_one, 0.75 * kTrials);
}

TEST(Statistics, ARatioIsCertainWhereItsIntervalLeavesOutOne) {
  const auto faster = ratio_of(20, {18, 22}, 10, {9, 11});
  EXPECT_DOUBLE_EQ(faster.value, 2);
  EXPECT_DOUBLE_EQ(faster.interval.lo, 18.0 / 11);
  EXPECT_DOUBLE_EQ(faster.interval.hi, 22.0 / 9);
  EXPECT_TRUE(faster.certain());
  EXPECT_TRUE(ratio_of(10, {9, 11}, 20, {18, 22}).certain());
  EXPECT_FALSE(ratio_of(10, {9, 11}, 10.5, {10, 11}).certain());
  EXPECT_FALSE(ratio_of(10, {9, 11}, 0, {0, 0}).certain());
}

// Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
TEST(Statistics, WilsonGivesThePublishedIntervals) {
  const auto expect = [](std::int64_t right, std::int64_t total, double lo, double hi) {
    const auto interval = wilson(right, total);
    EXPECT_NEAR(interval.lo, lo, 5e-5) << right << "/" << total;
    EXPECT_NEAR(interval.hi, hi, 5e-5) << right << "/" << total;
  };
  expect(81, 263, 0.2553, 0.3662);
  expect(15, 148, 0.0624, 0.1605);
  expect(0, 20, 0.0000, 0.1611);
  expect(1, 29, 0.0061, 0.1718);
  EXPECT_EQ(wilson(0, 0), (Interval{0, 1}));
}

TEST(Statistics, SignTestCountsBinomialTails) {
  EXPECT_DOUBLE_EQ(sign_test(0, 0), 1);
  EXPECT_NEAR(sign_test(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(sign_test(8, 2), 2.0 * (1 + 10 + 45) / 1024, 1e-12);
  EXPECT_DOUBLE_EQ(sign_test(6, 6), 1);
}

TEST(Statistics, GeometricMeanOfReciprocalsIsOne) {
  EXPECT_NEAR(geometric_mean(std::vector<double>{0.5, 2, 4, 0.25}), 1, 1e-12);
  EXPECT_NEAR(geometric_mean(std::vector<double>{2, 8}), 4, 1e-12);
}

}  // namespace
}  // namespace halftone
