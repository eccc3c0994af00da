#include <algorithm>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "depth"}, {2, "values", true}};

/// "depth" as an integer, whichever number type the model gives it in.
std::int64_t depth_of(const Attributes& attributes) {
  const auto depth = attributes.get_floats("depth");
  if (depth.size() != 1) fail(Code::invalid_model, "depth has {} values, not one", depth.size());
  if (!(depth[0] >= 0 && depth[0] < 0x1p48)) fail(Code::invalid_model, "depth is {}", depth[0]);
  return static_cast<std::int64_t>(depth[0]);
}

std::size_t axis_of(const Attributes& attributes, std::size_t rank) {
  return normalize_axis(attributes.get_int("axis", -1), rank + 1);
}

void infer(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  const Tensor values = context.attributes.get_tensor("values");
  if (!values.defined() || values.count() != 2) fail(Code::invalid_model, "values holds off and on, two elements");
  auto dims = context.shape(0).dims();
  const std::size_t axis = axis_of(context.attributes, dims.size());
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), depth_of(context.attributes));
  context.set_output(0, values.dtype(), Shape(std::move(dims)));
}

/// Indices outside -depth … depth-1 give a line of `off` alone.
void reference(const ReferenceContext& context) {
  const Tensor& x = context.inputs[0];
  Tensor& y = context.outputs[0];
  const auto view = ops::around(y.shape(), axis_of(context.attributes, x.shape().rank()));
  const auto indices = x.to_ints();
  const Tensor values = context.attributes.get_tensor("values");
  visit(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    auto out = y.data<T>();
    std::fill(out.begin(), out.end(), values.data<T>()[0]);
    for (std::int64_t outer = 0; outer < view.outer; ++outer)
      for (std::int64_t inner = 0; inner < view.inner; ++inner) {
        std::int64_t index = indices[static_cast<std::size_t>(outer * view.inner + inner)];
        if (index < -view.extent || index >= view.extent) continue;
        if (index < 0) index += view.extent;
        out[static_cast<std::size_t>((outer * view.extent + index) * view.inner + inner)] = values.data<T>()[1];
      }
  });
}

}  // namespace

extern const Op op_OneHot;
const Op op_OneHot{.name = "OneHot",
                   .min_inputs = 3,
                   .max_inputs = 3,
                   .structural = kStructural,
                   .infer = infer,
                   .reference = reference,
                   .flops = ops::no_flops};

}  // namespace halftone
