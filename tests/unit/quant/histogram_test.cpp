#include "quant/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace halftone {
namespace {

std::vector<float> normal(std::size_t count, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(count);
  for (auto& value : values) value = distribution(random);
  return values;
}

TEST(Histogram, MinMaxIsWhatWasSeenAndContainsZero) {
  Histogram histogram;
  histogram.add(std::vector<float>{0.5f, 3.0f, 2.0f});
  EXPECT_EQ(histogram.range(Calibrator::minmax, 0, false), (Range{0, 3}));
  histogram.add(std::vector<float>{-7.0f});
  EXPECT_EQ(histogram.range(Calibrator::minmax, 0, false), (Range{-7, 3}));
  EXPECT_EQ(histogram.range(Calibrator::minmax, 0, true), (Range{-7, 7}));
}

TEST(Histogram, PercentileCutsTheTailsOfANormalDistribution) {
  Histogram histogram;
  histogram.add(normal(1000000, 2, 1));
  const auto range = histogram.range(Calibrator::percentile, 99, false);
  EXPECT_NEAR(range.high, 2 * 2.326f, 0.05);  // the 99 % quantile of the standard normal is 2.326
  EXPECT_NEAR(range.low, -2 * 2.326f, 0.05);
}

TEST(Histogram, WideningKeepsEveryCount) {
  Histogram histogram;
  std::uint64_t total = 0;
  for (const float deviation : {0.001f, 0.1f, 5.0f, 1000.0f}) {
    histogram.add(normal(5000, deviation, 2));
    total += 5000;
  }
  EXPECT_EQ(histogram.count(), total);
  const auto range = histogram.range(Calibrator::percentile, 100, false);
  EXPECT_NEAR(range.high, histogram.high(), 2.0);
  EXPECT_NEAR(range.low, histogram.low(), 2.0);
}

TEST(Histogram, EntropyAndMseClipAFarOutlier) {
  auto values = normal(1000000, 1, 3);
  values.push_back(60);
  Histogram histogram;
  histogram.add(values);
  const auto entropy = histogram.range(Calibrator::entropy, 0, false);
  EXPECT_LT(entropy.high, 20);
  EXPECT_GT(entropy.high, 2.5f);
  // The squared error of clipping at t is (60 - t)^2 / 10^6, that of rounding ((t + 4.9) / 255)^2 / 12: least at 23.5.
  EXPECT_NEAR(histogram.range(Calibrator::mse, 0, false).high, 23.5f, 0.5f);
}

TEST(Histogram, ASymmetricScaleOfDataAboveZeroHasHalfTheLevels) {
  auto values = normal(200000, 1, 5);
  for (auto& value : values) value = std::abs(value);
  Histogram histogram;
  histogram.add(values);
  const auto error = [&](double high) {
    double sum = 0;
    for (const double x : values) {
      const double rounded = std::nearbyint(std::min(x, high) * 127 / high) * high / 127;
      sum += (x - rounded) * (x - rounded);
    }
    return sum;
  };
  double least = std::numeric_limits<double>::max();
  for (double high = 2; high < 6; high += 0.05) least = std::min(least, error(high));
  const auto chosen = histogram.range(Calibrator::mse, 0, true);
  EXPECT_EQ(chosen.low, -chosen.high);
  EXPECT_LT(error(chosen.high), 1.01 * least);
  EXPECT_GT(error(histogram.range(Calibrator::mse, 0, false).high), 1.02 * least);  // what 256 levels would ask for
  EXPECT_LE(histogram.range(Calibrator::entropy, 0, true).high, histogram.range(Calibrator::entropy, 0, false).high);
}

TEST(Histogram, MseIsTheBestOfTheThresholdsByActualError) {
  const auto values = normal(200000, 1, 4);
  Histogram histogram;
  histogram.add(values);
  const auto error = [&](Range range) {
    const double step = (static_cast<double>(range.high) - static_cast<double>(range.low)) / 255;
    double sum = 0;
    for (const double x : values) {
      const double clipped = std::min(std::max(x, static_cast<double>(range.low)), static_cast<double>(range.high));
      const double rounded =
          std::nearbyint((clipped - static_cast<double>(range.low)) / step) * step + static_cast<double>(range.low);
      sum += (x - rounded) * (x - rounded);
    }
    return sum;
  };
  const double chosen = error(histogram.range(Calibrator::mse, 0, false));
  for (const float scale : {0.5f, 0.6f, 0.8f, 1.0f})
    EXPECT_LE(chosen, 1.05 * error({histogram.low() * scale, histogram.high() * scale})) << scale;
}

TEST(Histogram, CountsWhatIsNotFinite) {
  Histogram histogram;
  histogram.add(std::vector<float>{1, std::nanf(""), std::numeric_limits<float>::infinity(), -2});
  EXPECT_EQ(histogram.not_finite(), 2u);
  EXPECT_EQ(histogram.range(Calibrator::minmax, 0, false), (Range{-2, 1}));
}

TEST(Histogram, MergeIsTheSumOfBoth) {
  Histogram a, b;
  a.add(normal(10000, 1, 5));
  b.add(normal(10000, 30, 6));
  Histogram both = a;
  both.merge(b);
  EXPECT_EQ(both.count(), 20000u);
  EXPECT_EQ(both.high(), std::max(a.high(), b.high()));
  Histogram empty;
  empty.merge(a);
  EXPECT_EQ(empty.range(Calibrator::percentile, 99, false), a.range(Calibrator::percentile, 99, false));
}

TEST(Histogram, AllZeroHasAnEmptyRange) {
  Histogram histogram;
  histogram.add(std::vector<float>(100, 0.0f));
  EXPECT_EQ(histogram.range(Calibrator::entropy, 0, false), (Range{0, 0}));
}

}  // namespace
}  // namespace halftone
