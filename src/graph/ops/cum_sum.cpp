#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "axis"}};

std::size_t axis_of(const Attributes& attributes, std::size_t rank) {
  if (!attributes.has("axis")) fail(Code::invalid_model, "'axis' is missing");
  return normalize_axis(attributes.get_int("axis", 0), rank);
}

void infer(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  (void)axis_of(context.attributes, context.shape(0).rank());
  ops::infer_same(context);
}

void reference(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape();
  const auto view = ops::around(shape, axis_of(context.attributes, shape.rank()));
  const bool exclusive = context.attributes.get_int("exclusive", 0) != 0;
  const bool reverse = context.attributes.get_int("reverse", 0) != 0;
  ops::visit_number(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Sum = std::conditional_t<std::is_integral_v<T>, T, double>;
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<T>();
    for (std::int64_t outer = 0; outer < view.outer; ++outer)
      for (std::int64_t inner = 0; inner < view.inner; ++inner) {
        Sum sum{};
        for (std::int64_t i = 0; i < view.extent; ++i) {
          const std::int64_t place = reverse ? view.extent - 1 - i : i;
          const auto at = static_cast<std::size_t>((outer * view.extent + place) * view.inner + inner);
          const auto value = static_cast<Sum>(ops::compute(x[at]));
          const Sum next = ops::wrapping(sum, value, [](auto a, auto b) { return a + b; });
          y[at] = ops::stored<T>(exclusive ? sum : next);
          sum = next;
        }
      }
  });
}

}  // namespace

extern const Op op_CumSum;
const Op op_CumSum{.name = "CumSum",
                   .min_inputs = 2,
                   .max_inputs = 2,
                   .structural = kStructural,
                   .infer = infer,
                   .reference = reference};

}  // namespace halftone
