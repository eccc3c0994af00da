#include "bench/memory.h"

#include <gtest/gtest.h>

#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

TEST(Polynomial, FindsTheCurveThatMadeThePoints) {
  const std::vector<double> x{1, 2, 4, 8, 16, 32};
  std::vector<double> constant, line, parabola;
  for (const double v : x) {
    constant.push_back(7);
    line.push_back(3 + 2 * v);
    parabola.push_back(1 + v + 0.5 * v * v);
  }
  EXPECT_EQ(fit_polynomial(x, constant).coefficients.size(), 1u);
  EXPECT_EQ(fit_polynomial(x, line).coefficients.size(), 2u);
  EXPECT_EQ(fit_polynomial(x, parabola).coefficients.size(), 3u);
  EXPECT_NEAR(fit_polynomial(x, line).at(64), 131, 1e-6);
  EXPECT_NEAR(fit_polynomial(x, parabola).at(64), 1 + 64 + 2048, 1e-6);
  EXPECT_NEAR(fit_polynomial(x, line).error, 0, 1e-9);
}

TEST(Polynomial, SaysHowFarItMisses) {
  const std::vector<double> x{1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<double> y;
  for (const double v : x) y.push_back(10 * v + (static_cast<int>(v) % 2 == 0 ? 1 : -1));
  const auto fit = fit_polynomial(x, y);
  EXPECT_GT(fit.error, 1);
  EXPECT_LT(fit.error, 2);
}

TEST(Polynomial, FewPointsGiveWhatTheyCan) {
  EXPECT_EQ(fit_polynomial(std::vector<double>{8}, std::vector<double>{5}).at(100), 5);
  EXPECT_NEAR(fit_polynomial(std::vector<double>{1, 2}, std::vector<double>{5, 7}).at(3), 9, 1e-9);
}

TEST(Memory, IsProjectedForPowersOfTwoThatWereNotRun) {
  Sweep sweep;
  for (const int batch : {1, 8, 32}) {
    sweep.points.push_back(samples::point("int8", batch, 100));
    EXPECT_TRUE(project_memory(sweep).empty());
    sweep.points.back().memory_bytes = 25000000 + 2000000 * static_cast<unsigned>(batch);
  }
  const auto projections = project_memory(sweep);
  ASSERT_EQ(projections.size(), 7u);
  EXPECT_EQ(projections.front().batch, 2);
  EXPECT_EQ(projections.back().batch, 512);
  EXPECT_NEAR(projections.back().bytes, 25e6 + 512 * 2e6, 1);
}

}  // namespace
}  // namespace halftone
