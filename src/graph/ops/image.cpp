#include "graph/ops/image.h"

#include <type_traits>

namespace halftone::ops {

Image::Image(bool last, std::int64_t n_, std::int64_t c_, std::vector<std::int64_t> extents)
    : channels_last(last), n(n_), c(c_), spatial(std::move(extents)), plane(Shape(spatial).count()) {
  n_stride = c * plane;
  c_stride = channels_last ? 1 : plane;
  s_stride = channels_last ? c : 1;
}

Shape Image::shape() const {
  Shape result{n};
  if (!channels_last) result.push_back(c);
  for (const auto extent : spatial) result.push_back(extent);
  if (channels_last) result.push_back(c);
  return result;
}

Image Image::with(std::int64_t channels, std::vector<std::int64_t> extents) const {
  return {channels_last, n, channels, std::move(extents)};
}

Image image_of(const Attributes& attributes, const Shape& shape) {
  const auto layout = attributes.get_string("layout", "NCHW");
  if (layout != "NCHW" && layout != "NHWC") fail(Code::invalid_model, "layout '{}' is neither NCHW nor NHWC", layout);
  if (shape.rank() < 2) fail(Code::invalid_model, "the input {} has no channel axis", shape.text());
  (void)shape.count();
  const auto& dims = shape.dims();
  if (layout == "NHWC") return {true, dims.front(), dims.back(), {dims.begin() + 1, dims.end() - 1}};
  return {false, dims[0], dims[1], {dims.begin() + 2, dims.end()}};
}

void require_float(const InferContext& context, std::size_t index) {
  const auto dtype = context.input(index).dtype;
  if (!is_float(dtype)) fail(Code::invalid_model, "input {} is {}, a float type is needed", index, name(dtype));
}

void require_shape(const InferContext& context, std::size_t index, const Shape& shape) {
  if (context.shape(index) != shape)
    fail(Code::invalid_model, "input {} is {}, {} is needed", index, context.shape(index).text(), shape.text());
}

void store(Tensor& target, std::span<const double> values) {
  visit(target.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto out = target.data<T>();
    ASSERT(out.size() == values.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
        out[i] = T(static_cast<float>(values[i]));
      } else if constexpr (std::is_integral_v<T>) {
        const bool fits = values[i] > -9.2e18 && values[i] < 9.2e18;
        out[i] = static_cast<T>(fits ? static_cast<std::int64_t>(values[i]) : 0);
      } else {
        out[i] = static_cast<T>(values[i]);
      }
    }
  });
}

}  // namespace halftone::ops
