#include <algorithm>
#include <cmath>

#include "graph/ops/image.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  (void)ops::image_of(context.attributes, context.shape(0));
  const auto size = context.attributes.get_int("size", 0);
  if (size < 1) fail(Code::invalid_model, "size is {}, at least 1 is needed", size);
  context.set_output(0, context.input(0).dtype, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const double alpha = context.attributes.get_float("alpha", 1e-4);
  const double beta = context.attributes.get_float("beta", 0.75);
  const double bias = context.attributes.get_float("bias", 1);
  const auto size = context.attributes.get_int("size", 1);
  const auto before = std::min((size - 1) / 2, x.c);
  const auto after = std::min(size - 1 - (size - 1) / 2, x.c);
  const auto in = context.inputs[0].to_doubles();
  std::vector<double> out(in.size());
  for (std::int64_t n = 0; n < x.n; ++n)
    for (std::int64_t s = 0; s < x.plane; ++s)
      for (std::int64_t c = 0; c < x.c; ++c) {
        double sum = 0;
        for (auto i = std::max<std::int64_t>(0, c - before); i <= std::min(x.c - 1, c + after); ++i)
          sum += in[x.at(n, i, s)] * in[x.at(n, i, s)];
        out[x.at(n, c, s)] = in[x.at(n, c, s)] / std::pow(bias + alpha / static_cast<double>(size) * sum, beta);
      }
  ops::store(context.outputs[0], out);
}

}  // namespace

extern const Op op_LRN;
const Op op_LRN{.name = "LRN", .infer = infer, .reference = reference, .flops = [](const Problem& problem) {
                  const auto size = static_cast<double>(problem.attributes.get_int("size", 1));
                  return (2 * size + 3) * static_cast<double>(problem.output().shape.count());
                }};

}  // namespace halftone
