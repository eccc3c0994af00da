#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/ops/image.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto x = ops::image_of(context.attributes, context.shape(0));
  context.set_output(0, context.input(0).dtype, x.with(x.c, std::vector<std::int64_t>(x.spatial.size(), 1)).shape());
}

/// y[n,c] = finish(sum or maximum over the plane, elements in the plane).
template <typename Step, typename Finish>
void reduce(const ReferenceContext& context, double start, Step step, Finish finish) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const auto in = context.inputs[0].to_doubles();
  std::vector<double> out;
  for (std::int64_t n = 0; n < x.n; ++n)
    for (std::int64_t c = 0; c < x.c; ++c) {
      double value = start;
      for (std::int64_t s = 0; s < x.plane; ++s) value = step(value, in[x.at(n, c, s)]);
      out.push_back(finish(value, static_cast<double>(x.plane)));
    }
  ops::store(context.outputs[0], out);
}

void average(const ReferenceContext& context) {
  reduce(
      context, 0, [](double sum, double x) { return sum + x; }, [](double sum, double count) { return sum / count; });
}

void maximum(const ReferenceContext& context) {
  reduce(
      context, -std::numeric_limits<double>::infinity(), [](double best, double x) { return std::max(best, x); },
      [](double best, double) { return best; });
}

void lp(const ReferenceContext& context) {
  const auto p = static_cast<double>(context.attributes.get_int("p", 2));
  reduce(
      context, 0, [p](double sum, double x) { return sum + std::pow(std::abs(x), p); },
      [p](double sum, double) { return std::pow(sum, 1 / p); });
}

double flops(const Problem& problem) { return static_cast<double>(problem.input(0).shape.count()); }

}  // namespace

extern const Op op_GlobalAveragePool, op_GlobalMaxPool, op_GlobalLpPool;
const Op op_GlobalAveragePool{.name = "GlobalAveragePool", .infer = infer, .reference = average, .flops = flops};
const Op op_GlobalMaxPool{.name = "GlobalMaxPool", .infer = infer, .reference = maximum, .flops = flops};
const Op op_GlobalLpPool{.name = "GlobalLpPool",
                         .infer =
                             [](InferContext& context) {
                               const auto p = context.attributes.get_int("p", 2);
                               if (p < 1) fail(Code::invalid_model, "p is {}, at least 1 is needed", p);
                               infer(context);
                             },
                         .reference = lp,
                         .flops = flops};

}  // namespace halftone
