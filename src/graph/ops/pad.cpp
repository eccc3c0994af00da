#include <algorithm>
#include <cstring>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "pads"}, {2, "constant_value"}, {3, "axes"}};

/// Elements put before and after each axis; negative ones cut off.
struct Pads {
  std::vector<std::int64_t> before, after;
};

Pads pads_of(const Attributes& attributes, std::size_t rank) {
  Pads pads{std::vector<std::int64_t>(rank, 0), std::vector<std::int64_t>(rank, 0)};
  const auto given = ops::required_ints(attributes, "pads");
  auto axes = attributes.get_ints("axes");
  if (!attributes.has("axes"))
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (given.size() != 2 * axes.size())
    fail(Code::invalid_model, "pads has {} values for {} axes", given.size(), axes.size());
  constexpr std::int64_t kMost = std::int64_t{1} << 48;
  for (const auto pad : given)
    if (pad < -kMost || pad > kMost) fail(Code::resource_exhausted, "pads of {}", pad);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = normalize_axis(axes[i], rank);
    pads.before[axis] = given[i];
    pads.after[axis] = given[axes.size() + i];
  }
  return pads;
}

void infer(InferContext& context) {
  const Shape& in = context.shape(0);
  const auto pads = pads_of(context.attributes, in.rank());
  const auto mode = context.attributes.get_string("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    fail(Code::invalid_model, "unknown mode '{}'", mode);
  (void)context.attributes.get_float("constant_value", 0);
  Shape out;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    const std::int64_t extent = in[i] + pads.before[i] + pads.after[i];
    if (extent < 0) fail(Code::invalid_model, "pads cut more than axis {} of {} has", i, in.text());
    const bool grows = pads.before[i] > 0 || pads.after[i] > 0;
    if (mode != "constant" && grows && in[i] == 0)
      fail(Code::invalid_model, "mode {} needs elements along axis {} of {}", mode, i, in.text());
    out.push_back(extent);
  }
  context.set_output(0, context.input(0).dtype, std::move(out));
}

/// Where along an axis of `extent` elements the padded position `at` reads, or -1 for the constant.
std::int64_t source(std::int64_t at, std::int64_t extent, char mode) {
  if (at >= 0 && at < extent) return at;
  switch (mode) {
    case 'e': return std::clamp(at, std::int64_t{0}, extent - 1);
    case 'w': return ((at % extent) + extent) % extent;
    case 'r': {  // mirrored at the first and the last element, again and again
      const std::int64_t period = std::max<std::int64_t>(2 * (extent - 1), 1);
      const std::int64_t place = ((at % period) + period) % period;
      return place < extent ? place : period - place;
    }
    default: return -1;
  }
}

void reference(const ReferenceContext& context) {
  const Tensor& x = context.inputs[0];
  Tensor& y = context.outputs[0];
  const Shape& in = x.shape();
  const auto pads = pads_of(context.attributes, in.rank());
  const char mode = context.attributes.get_string("mode", "constant").front();
  const double constant = context.attributes.get_float("constant_value", 0);
  const auto strides = strides_of(in);
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto from = x.data<T>();
    auto to = y.data<T>();
    const T fill = ops::stored<T>(constant);
    ops::Walk walk(y.shape(), {});
    for (std::size_t i = 0; i < to.size(); ++i, walk.next()) {
      std::int64_t offset = 0;
      for (std::size_t axis = 0; axis < in.rank() && offset >= 0; ++axis) {
        const std::int64_t at = source(walk.index()[axis] - pads.before[axis], in[axis], mode);
        offset = at < 0 ? -1 : offset + at * strides[axis];
      }
      to[i] = offset < 0 ? fill : from[static_cast<std::size_t>(offset)];
    }
  });
}

}  // namespace

extern const Op op_Pad;
const Op op_Pad{.name = "Pad",
                .min_inputs = 2,
                .max_inputs = 4,
                .structural = kStructural,
                .infer = infer,
                .reference = reference,
                .flops = ops::no_flops};

}  // namespace halftone
