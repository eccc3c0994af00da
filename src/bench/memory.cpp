#include "bench/memory.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace halftone {
namespace {

constexpr std::size_t kHighest = 2;

/// Least squares by the normal equations, x scaled to at most 1 so that they stay well conditioned.
std::vector<double> solve(std::span<const double> x, std::span<const double> y, std::size_t degree) {
  const std::size_t n = degree + 1;
  const double scale = std::max(1e-300, std::abs(*std::max_element(x.begin(), x.end())));
  std::vector<std::vector<double>> rows(n, std::vector<double>(n + 1));
  for (std::size_t p = 0; p < x.size(); ++p)
    for (std::size_t i = 0; i < n; ++i) {
      const double weight = std::pow(x[p] / scale, static_cast<double>(i));
      for (std::size_t j = 0; j < n; ++j) rows[i][j] += weight * std::pow(x[p] / scale, static_cast<double>(j));
      rows[i][n] += weight * y[p];
    }
  for (std::size_t i = 0; i < n; ++i) {
    const auto pivot = std::max_element(rows.begin() + static_cast<std::ptrdiff_t>(i), rows.end(),
                                        [&](auto& a, auto& b) { return std::abs(a[i]) < std::abs(b[i]); });
    std::swap(rows[i], *pivot);
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i || rows[i][i] == 0) continue;
      const double factor = rows[j][i] / rows[i][i];
      for (std::size_t k = i; k <= n; ++k) rows[j][k] -= factor * rows[i][k];
    }
  }
  std::vector<double> coefficients(n);
  for (std::size_t i = 0; i < n; ++i)
    coefficients[i] = rows[i][i] == 0 ? 0 : rows[i][n] / rows[i][i] / std::pow(scale, static_cast<double>(i));
  return coefficients;
}

double leave_one_out(std::span<const double> x, std::span<const double> y, std::size_t degree) {
  double sum = 0;
  for (std::size_t out = 0; out < x.size(); ++out) {
    std::vector<double> other_x(x.begin(), x.end()), other_y(y.begin(), y.end());
    other_x.erase(other_x.begin() + static_cast<std::ptrdiff_t>(out));
    other_y.erase(other_y.begin() + static_cast<std::ptrdiff_t>(out));
    sum += std::pow(Polynomial{solve(other_x, other_y, degree), 0}.at(x[out]) - y[out], 2);
  }
  return std::sqrt(sum / static_cast<double>(x.size()));
}

}  // namespace

double Polynomial::at(double x) const {
  double value = 0;
  for (auto c = coefficients.rbegin(); c != coefficients.rend(); ++c) value = value * x + *c;
  return value;
}

Polynomial fit_polynomial(std::span<const double> x, std::span<const double> y) {
  ASSERT(x.size() == y.size() && !x.empty());
  if (x.size() <= 2) return {solve(x, y, x.size() - 1), 0};
  const double even = 1e-6 * std::abs(*std::max_element(y.begin(), y.end()));
  Polynomial best{{}, INFINITY};
  for (std::size_t degree = 0; degree <= kHighest && degree + 2 <= x.size(); ++degree) {
    const double error = leave_one_out(x, y, degree);
    if (error < best.error - even) best = {solve(x, y, degree), error};
  }
  return best;
}

std::vector<MemoryProjection> project_memory(const Sweep& sweep) {
  std::vector<double> batches, bytes;
  for (const auto& point : sweep.points)
    if (point.memory_bytes) {
      batches.push_back(point.batch);
      bytes.push_back(static_cast<double>(*point.memory_bytes));
    }
  if (batches.size() < 3) return {};
  const auto curve = fit_polynomial(batches, bytes);
  std::vector<MemoryProjection> projections;
  for (int batch = 1; batch <= 512; batch *= 2)
    if (std::find(batches.begin(), batches.end(), batch) == batches.end())
      projections.push_back({batch, std::max(0.0, curve.at(batch)), curve.error});
  return projections;
}

}  // namespace halftone
