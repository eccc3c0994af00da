#include "graph/ops/image.h"
#include "graph/ops/window.h"

namespace halftone {
namespace {

struct Transposed {
  ops::Image x, y;
  std::int64_t group;
  ops::Windows windows;  ///< of the convolution that goes from y to x
};

Transposed transposed_of(const Attributes& attributes, const Shape& x_shape, const Shape& w) {
  if (x_shape.rank() < 3) fail(Code::invalid_model, "the input {} has no spatial axis", x_shape.text());
  if (w.rank() != x_shape.rank())
    fail(Code::invalid_model, "weights {} do not fit the input {}", w.text(), x_shape.text());
  const auto x = ops::image_of({}, x_shape);
  const std::size_t rank = x.spatial.size();
  if (rank > 3) fail(Code::unsupported, "{} spatial axes; 1 to 3 are supported", rank);
  const std::vector<std::int64_t> kernel(w.begin() + 2, w.end());
  if (attributes.has("kernel_shape") && attributes.get_ints("kernel_shape", rank, 1) != kernel)
    fail(Code::invalid_model, "kernel_shape {} is not that of the weights {}",
         fmt::join(attributes.get_ints("kernel_shape"), "x"), w.text());
  const auto group = attributes.get_int("group", 1);
  if (group < 1 || x.c % group != 0 || w[0] != x.c)
    fail(Code::invalid_model, "weights {} do not fit {} channels in {} groups", w.text(), x.c, group);
  if (w[1] > (std::int64_t{1} << 40) / group) fail(Code::invalid_model, "too many output channels");
  const auto strides = attributes.get_ints("strides", rank, 1);
  const auto dilations = attributes.get_ints("dilations", rank, 1);
  const auto pads = attributes.get_ints("pads", 2 * rank, 0);
  const auto extra = attributes.get_ints("output_padding", rank, 0);
  const auto wanted = attributes.get_ints("output_shape");
  const auto auto_pad = attributes.get_string("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty())
    fail(Code::invalid_model, "unknown auto_pad '{}'", auto_pad);
  // Some exporters name the batch and channel extents too.
  if (!wanted.empty() && wanted.size() != rank && wanted.size() != rank + 2)
    fail(Code::invalid_model, "output_shape has {} values for {} axes", wanted.size(), rank);

  constexpr std::int64_t kLargest = std::int64_t{1} << 30;
  const auto in_range = [](std::int64_t value, std::int64_t least) { return value >= least && value <= kLargest; };
  ops::Windows windows;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    auto& window = windows[3 - rank + axis];
    window = {0, kernel[axis], strides[axis], dilations[axis], 0, 0, x.spatial[axis]};
    if (!in_range(window.kernel, 1) || !in_range(window.stride, 1) || !in_range(window.dilation, 1) ||
        !in_range(extra[axis], 0) || !in_range(pads[axis], 0) || !in_range(pads[rank + axis], 0) ||
        !in_range(window.out, 1))
      fail(Code::invalid_model, "an extent, stride, dilation or pad of axis {} is out of range", axis);
    const auto full = window.stride * (window.out - 1) + window.reach() + extra[axis];
    if (!wanted.empty() || same) {
      window.in = wanted.empty() ? window.out * window.stride : wanted[wanted.size() - rank + axis];
      const auto total = std::max<std::int64_t>(0, full - window.in);
      window.pad_begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    } else {
      const bool padded = auto_pad != "VALID";
      window.in = full - (padded ? pads[axis] + pads[rank + axis] : 0);
      window.pad_begin = padded ? pads[axis] : 0;
    }
    if (window.in < 1 || window.in > std::int64_t{1} << 40)
      fail(Code::invalid_model, "axis {} would become {} long", axis, window.in);
  }
  std::vector<std::int64_t> extents;
  for (std::size_t axis = 3 - rank; axis < 3; ++axis) extents.push_back(windows[axis].in);
  return {x, x.with(w[1] * group, extents), group, windows};
}

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto transposed = transposed_of(context.attributes, context.shape(0), context.shape(1));
  for (std::size_t i = 1; i < 3; ++i)
    if (context.has(i) && context.input(i).dtype != context.input(0).dtype)
      fail(Code::invalid_model, "input {} is {}, x is {}", i, name(context.input(i).dtype),
           name(context.input(0).dtype));
  if (context.has(2)) ops::require_shape(context, 2, Shape{transposed.y.c});
  context.set_output(0, context.input(0).dtype, transposed.y.shape());
}

void reference(const ReferenceContext& context) {
  const auto transposed = transposed_of(context.attributes, context.inputs[0].shape(), context.inputs[1].shape());
  const auto& x = transposed.x;
  const auto& y = transposed.y;
  const auto& windows = transposed.windows;
  const std::int64_t group = transposed.group;
  const auto in = context.inputs[0].to_doubles();
  const auto w = context.inputs[1].to_doubles();
  const auto bias =
      context.has(2) ? context.inputs[2].to_doubles() : std::vector<double>(static_cast<std::size_t>(y.c), 0);
  const std::int64_t c_group = x.c / group;
  const std::int64_t o_group = y.c / group;
  const std::int64_t kernel = windows[0].kernel * windows[1].kernel * windows[2].kernel;
  std::vector<double> out(static_cast<std::size_t>(y.shape().count()));
  for (std::int64_t n = 0; n < y.n; ++n)
    for (std::int64_t o = 0; o < y.c; ++o)
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(y.at(n, o, 0)), y.plane, bias[static_cast<std::size_t>(o)]);
  ops::for_each_output(windows, [&, &x = x, &y = y](std::int64_t position, std::span<const ops::Tap> taps) {
    for (std::int64_t n = 0; n < x.n; ++n)
      for (std::int64_t c = 0; c < x.c; ++c) {
        const double pixel = in[x.at(n, c, position)];
        for (std::int64_t o = 0; o < o_group; ++o)
          for (const auto& tap : taps)
            out[y.at(n, c / c_group * o_group + o, tap.position)] +=
                pixel * w[static_cast<std::size_t>((c * o_group + o) * kernel + tap.kernel)];
      }
  });
  ops::store(context.outputs[0], out);
}

double flops(const Problem& problem) {
  const auto x = static_cast<double>(problem.input(0).shape.count());
  const auto w = static_cast<double>(problem.input(1).shape.count());
  return 2 * x * w / std::max(1.0, static_cast<double>(problem.input(1).shape[0]));
}

}  // namespace

extern const Op op_ConvTranspose;
const Op op_ConvTranspose{
    .name = "ConvTranspose", .min_inputs = 2, .max_inputs = 3, .infer = infer, .reference = reference, .flops = flops};

}  // namespace halftone
