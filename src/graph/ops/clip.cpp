#include <limits>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "min"}, {2, "max"}};

void infer(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  for (const auto bound : {"min", "max"}) (void)context.attributes.get_float(bound, 0);
  ops::infer_same(context);
}

void reference(const ReferenceContext& context) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double low = context.attributes.get_float("min", -kInfinity);
  const double high = context.attributes.get_float("max", kInfinity);
  ops::map_number(context, [=](auto x) {
    using T = decltype(x);
    // Comparisons with the bounds in double, the element itself untouched: 64-bit integers keep their value.
    if (static_cast<double>(x) < low) x = ops::stored<T>(low);
    if (static_cast<double>(x) > high) x = ops::stored<T>(high);
    return x;
  });
}

}  // namespace

extern const Op op_Clip;
const Op op_Clip{.name = "Clip", .max_inputs = 3, .structural = kStructural, .infer = infer, .reference = reference};

}  // namespace halftone
