#include "graph/ops/convolution.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto convolution = ops::convolution_of(context.attributes, context.shape(0), context.shape(1));
  for (std::size_t i = 1; i < 3; ++i)
    if (context.has(i) && context.input(i).dtype != context.input(0).dtype)
      fail(Code::invalid_model, "input {} is {}, x is {}", i, name(context.input(i).dtype),
           name(context.input(0).dtype));
  if (context.has(2)) ops::require_shape(context, 2, Shape{convolution.y.c});
  context.set_output(0, context.input(0).dtype, convolution.y.shape());
}

void reference(const ReferenceContext& context) {
  const auto convolution =
      ops::convolution_of(context.attributes, context.inputs[0].shape(), context.inputs[1].shape());
  auto y = ops::convolve(convolution, context.inputs[0].to_doubles(), context.inputs[1].to_doubles());
  if (context.has(2)) {
    const auto bias = context.inputs[2].to_doubles();
    const auto& out = convolution.y;
    for (std::int64_t n = 0; n < out.n; ++n)
      for (std::int64_t c = 0; c < out.c; ++c)
        for (std::int64_t s = 0; s < out.plane; ++s) y[out.at(n, c, s)] += bias[static_cast<std::size_t>(c)];
  }
  ops::store(context.outputs[0], y);
}

}  // namespace

extern const Op op_Conv;
const Op op_Conv{.name = "Conv",
                 .min_inputs = 2,
                 .max_inputs = 3,
                 .infer = infer,
                 .reference = reference,
                 .flops = [](const Problem& problem) { return ops::convolution_flops(problem, 0, 1); }};

}  // namespace halftone
