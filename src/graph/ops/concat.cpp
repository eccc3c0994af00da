#include <cstring>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

std::size_t axis_of(const Attributes& attributes, std::size_t rank) {
  if (!attributes.has("axis")) fail(Code::invalid_model, "attribute 'axis' is missing");
  return normalize_axis(attributes.get_int("axis", 0), rank);
}

void infer(InferContext& context) {
  Shape out = context.shape(0);
  const std::size_t axis = axis_of(context.attributes, out.rank());
  for (std::size_t i = 1; i < context.input_count(); ++i) {
    ops::require_same_dtype(context, 0, i);
    const Shape& other = context.shape(i);
    bool fits = other.rank() == out.rank();
    for (std::size_t k = 0; fits && k < out.rank(); ++k) fits = k == axis || other[k] == out[k];
    if (!fits)
      fail(Code::invalid_model, "{} and {} do not join along axis {}", context.shape(0).text(), other.text(), axis);
    out[axis] = ops::checked_add(out[axis], other[axis]);
  }
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void reference(const ReferenceContext& context) {
  Tensor& y = context.outputs[0];
  const std::size_t axis = axis_of(context.attributes, y.shape().rank());
  const auto size = static_cast<std::int64_t>(size_of(y.dtype()));
  const auto out = ops::around(y.shape(), axis);
  std::int64_t begin = 0;
  for (const auto& x : context.inputs) {
    const auto in = ops::around(x.shape(), axis);
    const std::int64_t run = in.extent * in.inner * size;
    for (std::int64_t i = 0; run != 0 && i < in.outer; ++i)
      std::memcpy(static_cast<std::byte*>(y.raw()) + (i * out.extent + begin) * out.inner * size,
                  static_cast<const std::byte*>(x.raw()) + i * run, static_cast<std::size_t>(run));
    begin += in.extent;
  }
}

}  // namespace

extern const Op op_Concat;
const Op op_Concat{
    .name = "Concat", .max_inputs = Op::kAnyNumber, .infer = infer, .reference = reference, .flops = ops::no_flops};

}  // namespace halftone
