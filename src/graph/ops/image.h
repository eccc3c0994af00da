#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "graph/op.h"

namespace halftone::ops {

/// Where the elements of a batch of images (volumes, signals) lie: ONNX's N,C,D1… or, with the attribute layout=NHWC,
/// N,D1…,C. `s` counts spatial positions row-major over D1….
struct Image {
  bool channels_last = false;
  std::int64_t n = 0, c = 0;
  std::vector<std::int64_t> spatial;
  std::int64_t plane = 1;  ///< spatial positions
  std::int64_t n_stride = 0, c_stride = 0, s_stride = 0;

  Image(bool channels_last, std::int64_t n, std::int64_t c, std::vector<std::int64_t> spatial);
  std::size_t at(std::int64_t in, std::int64_t ic, std::int64_t is) const {
    return static_cast<std::size_t>(in * n_stride + ic * c_stride + is * s_stride);
  }
  Shape shape() const;
  /// Shape and positions of an image of other extents in the same layout.
  Image with(std::int64_t channels, std::vector<std::int64_t> extents) const;
};

/// Reads `layout` and the shape of rank 2 or more. Throws invalid_model.
Image image_of(const Attributes& attributes, const Shape& shape);

/// Throws invalid_model unless input `index` is a float type.
void require_float(const InferContext& context, std::size_t index);

/// Throws invalid_model unless input `index` has this shape.
void require_shape(const InferContext& context, std::size_t index, const Shape& shape);

/// Converts values to the tensor's dtype: floats are rounded, integers wrap.
void store(Tensor& target, std::span<const double> values);

}  // namespace halftone::ops
