#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "bench/results.h"

namespace halftone {

/// A polynomial in x through points, by least squares.
struct Polynomial {
  std::vector<double> coefficients;  ///< of 1, x, x², …
  /// Root of the mean square of leave-one-out errors: how far the curve through the other points misses each point.
  double error = 0;
  double at(double x) const;
};

/// The polynomial of degree 0, 1 or 2 whose leave-one-out error is the smallest; the lower degree of two within a
/// millionth of the largest y. Needs at least one point, and one more than the degree plus one to try a degree. Of one
/// point (or two) a constant (or a line) with an error of 0, which then says nothing.
Polynomial fit_polynomial(std::span<const double> x, std::span<const double> y);

/// What a sweep would need at a batch it was not run with.
struct MemoryProjection {
  int batch = 1;
  double bytes = 0;
  double error = 0;  ///< of the fit, bytes
};

/// Projections for the powers of two from 1 to 512 that the sweep lacks; empty where fewer than three of its points say
/// what memory they take.
std::vector<MemoryProjection> project_memory(const Sweep& sweep);

}  // namespace halftone
