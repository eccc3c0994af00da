#pragma once
#include <cmath>
#include <cstdint>

#include "graph/op.h"

namespace halftone::ops {

/// How scale and zero point spread over a tensor: element i has entry i / inner % count.
struct QuantizationAxis {
  std::int64_t inner = 1, count = 1;
  std::size_t entry(std::size_t i) const {
    return static_cast<std::size_t>(static_cast<std::int64_t>(i) / inner % count);
  }
};

/// Per tensor for a scale of one element, along `axis` (ONNX's default 1) for a vector. Throws invalid_model, or
/// unsupported for blocks.
QuantizationAxis quantization_axis(const Attributes& attributes, const Shape& x, const Shape& scale);

/// Checks inputs `scale` and `zero` (may be absent) against each other and x: shapes, a float scale, zero's dtype.
void check_quantization(const InferContext& context, std::size_t scale, std::size_t zero, DType zero_dtype);

struct Range {
  double low, high;
};
/// What a u8, i8, u16, i16 or f8e4m3 holds; {0, -1} for other types.
Range range_of(DType dtype);
inline bool is_quantized(DType dtype) { return range_of(dtype).high > 0; }

/// x / scale rounded half to even, plus zero, saturated; NaN gives the lower end. In float, as ONNX Runtime does.
inline double quantize(float x, float scale, double zero, Range range) {
  const double value = static_cast<double>(std::nearbyint(x / scale)) + zero;
  return value > range.low ? std::fmin(value, range.high) : range.low;
}

/// Throws invalid_model unless inputs `a` and `b` are u8 or i8.
void require_8bit(const InferContext& context, std::size_t a, std::size_t b);

/// Throws invalid_model unless input `zero` is absent or has the dtype of input `of` and 1 or `channels` elements.
void check_zero_point(const InferContext& context, std::size_t zero, std::size_t of, std::int64_t channels);

/// Input `values` minus the zero points of input `zeros` (none if absent): entry i / inner % count for element i.
std::vector<double> centred(const ReferenceContext& context, std::size_t values, std::size_t zeros, std::int64_t inner);

/// A sum of products times a real factor, rounded half to even, plus zero, saturated.
inline double requantize(double sum, double factor, double zero, Range range) {
  const double value = std::nearbyint(sum * factor) + zero;
  return value > range.low ? std::fmin(value, range.high) : range.low;
}

}  // namespace halftone::ops
