#pragma once
#include <span>
#include <vector>

#include "graph/ops/image.h"
#include "graph/ops/window.h"

namespace halftone::ops {

/// A convolution of ONNX's layout: x [N,C,D…], w [O,C/group,K…] -> [N,O,…].
struct Convolution {
  Image x, y;
  std::int64_t group = 1;
  Windows windows;
  double macs() const;
};

/// Reads group and the window attributes. Throws invalid_model where it does not hold together.
Convolution convolution_of(const Attributes& attributes, const Shape& x, const Shape& w);

/// The plain sums over x * w, in double: exact for 8-bit operands.
std::vector<double> convolve(const Convolution& convolution, std::span<const double> x, std::span<const double> w);

/// Multiply-adds, counted twice, of a Problem whose inputs `x` and `w` are the data and the weights.
double convolution_flops(const Problem& problem, std::size_t x, std::size_t w);

}  // namespace halftone::ops
