#include <cmath>

#include "graph/ops/image.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto p = context.attributes.get_int("p", 2);
  if (p != 1 && p != 2) fail(Code::invalid_model, "p is {}, 1 or 2 is needed", p);
  (void)normalize_axis(context.attributes.get_int("axis", -1), context.shape(0).rank());
  context.set_output(0, context.input(0).dtype, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const auto& shape = context.inputs[0].shape();
  const auto axis = normalize_axis(context.attributes.get_int("axis", -1), shape.rank());
  const bool squares = context.attributes.get_int("p", 2) == 2;
  const auto extent = static_cast<std::size_t>(shape[axis]);
  const auto inner = static_cast<std::size_t>(strides_of(shape)[axis]);
  const auto x = context.inputs[0].to_doubles();
  std::vector<double> y(x.size());
  for (std::size_t line = 0; line < x.size() / std::max<std::size_t>(1, extent); ++line) {
    const std::size_t begin = line / inner * extent * inner + line % inner;
    double sum = 0;
    for (std::size_t i = 0; i < extent; ++i) {
      const double value = x[begin + i * inner];
      sum += squares ? value * value : std::abs(value);
    }
    const double norm = squares ? std::sqrt(sum) : sum;
    for (std::size_t i = 0; i < extent; ++i) y[begin + i * inner] = norm != 0 ? x[begin + i * inner] / norm : 0;
  }
  ops::store(context.outputs[0], y);
}

}  // namespace

extern const Op op_LpNormalization;
const Op op_LpNormalization{
    .name = "LpNormalization", .infer = infer, .reference = reference, .flops = [](const Problem& problem) {
      return 3 * static_cast<double>(problem.output().shape.count());
    }};

}  // namespace halftone
