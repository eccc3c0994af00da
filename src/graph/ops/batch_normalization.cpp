#include <cmath>

#include "graph/ops/image.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  if (context.attributes.get_int("training_mode", 0) != 0)
    fail(Code::unsupported, "training_mode=1: statistics of the batch are for training, not for inference");
  if (context.output_count() > 1)
    fail(Code::unsupported, "{} outputs: running statistics are for training", context.output_count());
  const auto x = ops::image_of(context.attributes, context.shape(0));
  for (std::size_t i = 1; i < 5; ++i) {
    ops::require_float(context, i);
    ops::require_shape(context, i, Shape{x.c});
  }
  context.set_output(0, context.input(0).dtype, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const double epsilon = context.attributes.get_float("epsilon", 1e-5);
  const auto in = context.inputs[0].to_doubles();
  const auto scale = context.inputs[1].to_doubles();
  const auto bias = context.inputs[2].to_doubles();
  const auto mean = context.inputs[3].to_doubles();
  const auto variance = context.inputs[4].to_doubles();
  std::vector<double> out(in.size());
  for (std::int64_t n = 0; n < x.n; ++n)
    for (std::int64_t c = 0; c < x.c; ++c)
      for (std::int64_t s = 0; s < x.plane; ++s) {
        const auto i = static_cast<std::size_t>(c);
        out[x.at(n, c, s)] = scale[i] * (in[x.at(n, c, s)] - mean[i]) / std::sqrt(variance[i] + epsilon) + bias[i];
      }
  ops::store(context.outputs[0], out);
}

}  // namespace

extern const Op op_BatchNormalization;
const Op op_BatchNormalization{
    .name = "BatchNormalization",
    .min_inputs = 5,
    .max_inputs = 5,
    .max_outputs = 5,
    .infer = infer,
    .reference = reference,
    .flops = [](const Problem& problem) { return 2 * static_cast<double>(problem.output().shape.count()); }};

}  // namespace halftone
