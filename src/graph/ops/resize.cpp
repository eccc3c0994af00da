#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/ops/image.h"

namespace halftone {
namespace {

/// One resized axis: of the tensor as stored.
struct Axis {
  std::size_t axis = 0;
  std::int64_t in = 0, out = 0;
  double scale = 1, roi_begin = 0, roi_end = 1;
};

/// The axes a Resize touches. scales, sizes, roi and axes count ONNX's axes (N, C, D1 …) in either layout.
std::vector<Axis> axes_of(const Attributes& attributes, const Shape& shape) {
  const std::size_t rank = shape.rank();
  std::vector<std::size_t> axes;
  for (const auto axis : attributes.get_ints("axes")) axes.push_back(normalize_axis(axis, rank));
  if (!attributes.has("axes"))
    for (std::size_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  const auto scales = attributes.get_floats("scales");
  const auto sizes = attributes.get_ints("sizes");
  const auto roi = attributes.get_floats("roi");
  if (scales.empty() == sizes.empty()) fail(Code::invalid_model, "one of scales and sizes is needed");
  const std::size_t given = std::max(scales.size(), sizes.size());
  if (given != axes.size()) fail(Code::invalid_model, "{} scales or sizes for {} axes", given, axes.size());
  const bool crop = attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
  if (crop && roi.size() != 2 * axes.size())
    fail(Code::invalid_model, "roi has {} values for {} axes", roi.size(), axes.size());
  const bool channels_last = attributes.get_string("layout", "NCHW") == "NHWC";
  std::vector<Axis> result(axes.size());
  double least = HUGE_VAL, greatest = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    auto& axis = result[i];
    axis.axis = !channels_last || axes[i] == 0 ? axes[i] : axes[i] == 1 ? rank - 1 : axes[i] - 1;
    for (std::size_t j = 0; j < i; ++j)
      if (result[j].axis == axis.axis) fail(Code::invalid_model, "axes names axis {} twice", axes[i]);
    axis.in = shape[axis.axis];
    if (crop) axis.roi_begin = roi[i], axis.roi_end = roi[axes.size() + i];
    if (!scales.empty()) {
      axis.scale = scales[i];
      if (!(axis.scale > 0 && axis.scale < 0x1p30)) fail(Code::invalid_model, "scale {} is out of range", axis.scale);
      axis.out = static_cast<std::int64_t>(std::floor(static_cast<float>(axis.in) * static_cast<float>(axis.scale)));
    } else {
      axis.out = sizes[i];
      if (axis.out < 0 || axis.out > std::int64_t{1} << 40)
        fail(Code::invalid_model, "size {} is out of range", axis.out);
      if (axis.in > 0) axis.scale = static_cast<double>(axis.out) / static_cast<double>(axis.in);
    }
    if (axis.in == 0 && axis.out != 0) fail(Code::invalid_model, "an empty axis cannot grow to {}", axis.out);
    least = std::min(least, axis.scale);
    greatest = std::max(greatest, axis.scale);
  }
  const auto policy = attributes.get_string("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    fail(Code::invalid_model, "unknown keep_aspect_ratio_policy '{}'", policy);
  if (policy == "stretch" || sizes.empty()) return result;
  for (auto& axis : result) {
    axis.scale = policy == "not_larger" ? least : greatest;
    const double extent = std::floor(axis.scale * static_cast<double>(axis.in) + 0.5);
    if (extent > 0x1p40) fail(Code::invalid_model, "size {} is out of range", extent);
    axis.out = static_cast<std::int64_t>(extent);
  }
  return result;
}

/// Where output position x lies on the input's axis.
double source(const std::string& mode, const Axis& axis, double x) {
  const double in = static_cast<double>(axis.in);
  const double out = static_cast<double>(axis.out);
  if (mode == "half_pixel") return (x + 0.5) / axis.scale - 0.5;
  if (mode == "pytorch_half_pixel") return axis.out > 1 ? (x + 0.5) / axis.scale - 0.5 : 0;
  if (mode == "half_pixel_symmetric") return in / 2 * (1 - out / (axis.scale * in)) + (x + 0.5) / axis.scale - 0.5;
  if (mode == "align_corners") return axis.out > 1 ? x * (in - 1) / (out - 1) : 0;
  if (mode == "asymmetric") return x / axis.scale;
  if (mode == "tf_half_pixel_for_nn") return (x + 0.5) / axis.scale;
  if (mode == "tf_crop_and_resize")
    return axis.out > 1 ? axis.roi_begin * (in - 1) + x * (axis.roi_end - axis.roi_begin) * (in - 1) / (out - 1)
                        : 0.5 * (axis.roi_begin + axis.roi_end) * (in - 1);
  fail(Code::invalid_model, "unknown coordinate_transformation_mode '{}'", mode);
}

double round_nearest(const std::string& mode, double x) {
  if (mode == "round_prefer_floor") return std::ceil(x - 0.5);
  if (mode == "round_prefer_ceil") return std::floor(x + 0.5);
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  fail(Code::invalid_model, "unknown nearest_mode '{}'", mode);
}

/// The interpolation kernel at distance x: a tent, or Keys' cubic convolution (1981).
double weight(bool cubic, double a, double x) {
  x = std::abs(x);
  if (!cubic) return std::max(0.0, 1 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

struct Sample {
  std::int64_t index;
  double weight;
};

/// The input positions, all inside, that make up each output position of an axis.
std::vector<std::vector<Sample>> samples_of(const Attributes& attributes, const Axis& axis) {
  const auto mode = attributes.get_string("mode", "nearest");
  const auto transform = attributes.get_string("coordinate_transformation_mode", "half_pixel");
  const auto nearest = attributes.get_string("nearest_mode", "round_prefer_floor");
  const double a = attributes.get_float("cubic_coeff_a", -0.75);
  const bool exclude = attributes.get_int("exclude_outside", 0) != 0;
  const double shrink = attributes.get_int("antialias", 0) != 0 ? std::min(axis.scale, 1.0) : 1.0;
  const auto inside = [&](double x) {
    return static_cast<std::int64_t>(std::clamp(x, 0.0, static_cast<double>(axis.in - 1)));
  };
  std::vector<std::vector<Sample>> result(static_cast<std::size_t>(axis.out));
  for (std::size_t o = 0; o < result.size(); ++o) {
    const double x = source(transform, axis, static_cast<double>(o));
    if (mode == "nearest") {
      result[o] = {{inside(round_nearest(nearest, x)), 1.0}};
      continue;
    }
    const double base = std::floor(x);
    const double first = std::floor((mode == "cubic" ? -2 : -1) / shrink) + 1;
    double sum = 0;
    for (double i = first; i < 2 - first; ++i) {
      double w = weight(mode == "cubic", a, (i - (x - base)) * shrink);
      if (exclude && (base + i < 0 || base + i > static_cast<double>(axis.in - 1))) w = 0;
      if (w == 0) continue;
      result[o].push_back({inside(base + i), w});
      sum += w;
    }
    for (auto& sample : result[o]) sample.weight /= sum;
    if (result[o].empty()) result[o] = {{inside(x), 1.0}};
  }
  return result;
}

Shape resized(const Shape& shape, std::span<const Axis> axes) {
  Shape result = shape;
  for (const auto& axis : axes) result[axis.axis] = axis.out;
  return result;
}

void infer(InferContext& context) {
  const auto& attributes = context.attributes;
  const auto mode = attributes.get_string("mode", "nearest");
  if (mode != "nearest" && mode != "linear" && mode != "cubic") fail(Code::invalid_model, "unknown mode '{}'", mode);
  if (mode != "nearest" && context.input(0).dtype == DType::boolean)
    fail(Code::invalid_model, "bool cannot be interpolated");
  const auto layout = attributes.get_string("layout", "NCHW");
  if (layout != "NCHW") (void)ops::image_of(attributes, context.shape(0));
  const auto axes = axes_of(attributes, context.shape(0));
  (void)source(attributes.get_string("coordinate_transformation_mode", "half_pixel"), Axis{0, 1, 1}, 0);
  (void)round_nearest(attributes.get_string("nearest_mode", "round_prefer_floor"), 0);
  for (const auto name : {"antialias", "exclude_outside"}) (void)attributes.get_int(name, 0);
  for (const auto name : {"cubic_coeff_a", "extrapolation_value"}) (void)attributes.get_float(name, 0);
  context.set_output(0, context.input(0).dtype, resized(context.shape(0), axes));
}

/// Interpolates along one axis after the other, in double.
std::vector<double> interpolate(const Attributes& attributes, const Tensor& x, std::span<const Axis> axes) {
  auto values = x.to_doubles();
  Shape shape = x.shape();
  for (const auto& axis : axes) {
    if (axis.out == axis.in && axis.scale == 1 && axis.roi_begin == 0 && axis.roi_end == 1) continue;
    const auto samples = samples_of(attributes, axis);
    const auto inner = strides_of(shape)[axis.axis];
    const auto outer = shape.count() / std::max<std::int64_t>(1, axis.in * inner);
    shape[axis.axis] = axis.out;
    std::vector<double> next;
    next.reserve(static_cast<std::size_t>(shape.count()));
    for (std::int64_t i = 0; i < outer; ++i)
      for (const auto& taps : samples)
        for (std::int64_t j = 0; j < inner; ++j) {
          double sum = 0;
          for (const auto& [index, w] : taps)
            sum += w * values[static_cast<std::size_t>((i * axis.in + index) * inner + j)];
          next.push_back(sum);
        }
    values = std::move(next);
  }
  return values;
}

/// Copies elements, so that every type keeps its values.
void pick_nearest(const Attributes& attributes, const Tensor& x, Tensor& y, std::span<const Axis> axes) {
  const auto strides = strides_of(x.shape());
  const auto& shape = y.shape();
  std::vector<std::vector<std::int64_t>> offsets(shape.rank());  // by axis, by output index
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    for (std::int64_t i = 0; i < shape[axis]; ++i) offsets[axis].push_back(i * strides[axis]);
  for (const auto& axis : axes) {
    const auto samples = samples_of(attributes, axis);
    for (std::size_t i = 0; i < samples.size(); ++i) offsets[axis.axis][i] = samples[i][0].index * strides[axis.axis];
  }
  const auto size = size_of(x.dtype());
  for (std::int64_t i = 0; i < shape.count(); ++i) {
    auto rest = i;
    std::int64_t from = 0;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      from += offsets[axis][static_cast<std::size_t>(rest % shape[axis])];
      rest /= shape[axis];
    }
    std::memcpy(static_cast<std::byte*>(y.raw()) + static_cast<std::size_t>(i) * size,
                static_cast<const std::byte*>(x.raw()) + static_cast<std::size_t>(from) * size, size);
  }
}

/// tf_crop_and_resize gives positions outside the input extrapolation_value.
void extrapolate(const Attributes& attributes, Tensor& y, std::span<const Axis> axes) {
  auto values = y.to_doubles();
  const auto strides = strides_of(y.shape());
  for (const auto& axis : axes)
    for (std::int64_t o = 0; o < axis.out; ++o) {
      const double x = source("tf_crop_and_resize", axis, static_cast<double>(o));
      if (x >= 0 && x <= static_cast<double>(axis.in - 1)) continue;
      for (std::size_t i = 0; i < values.size(); ++i)
        if (static_cast<std::int64_t>(i) / strides[axis.axis] % axis.out == o)
          values[i] = attributes.get_float("extrapolation_value", 0);
    }
  ops::store(y, values);
}

void reference(const ReferenceContext& context) {
  const auto& attributes = context.attributes;
  const auto axes = axes_of(attributes, context.inputs[0].shape());
  auto& y = context.outputs[0];
  if (y.count() == 0) return;
  if (attributes.get_string("mode", "nearest") == "nearest") pick_nearest(attributes, context.inputs[0], y, axes);
  else ops::store(y, interpolate(attributes, context.inputs[0], axes));
  if (attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize")
    extrapolate(attributes, y, axes);
}

constexpr StructuralInput kStructural[] = {{1, "roi"}, {2, "scales"}, {3, "sizes"}};

}  // namespace

extern const Op op_Resize;
const Op op_Resize{.name = "Resize",
                   .max_inputs = 4,
                   .structural = kStructural,
                   .infer = infer,
                   .reference = reference,
                   .flops = [](const Problem& problem) {
                     const auto mode = problem.attributes.get_string("mode", "nearest");
                     const double each = mode == "nearest" ? 0 : mode == "linear" ? 8 : 32;
                     return each * static_cast<double>(problem.output().shape.count());
                   }};

}  // namespace halftone
