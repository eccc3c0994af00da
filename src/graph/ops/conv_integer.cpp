#include "graph/ops/convolution.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_8bit(context, 0, 1);
  const auto convolution = ops::convolution_of(context.attributes, context.shape(0), context.shape(1));
  ops::check_zero_point(context, 2, 0, 1);
  ops::check_zero_point(context, 3, 1, convolution.y.c);
  context.set_output(0, DType::i32, convolution.y.shape());
}

void reference(const ReferenceContext& context) {
  const auto convolution =
      ops::convolution_of(context.attributes, context.inputs[0].shape(), context.inputs[1].shape());
  const auto x = ops::centred(context, 0, 2, 1);
  const auto w = ops::centred(context, 1, 3, strides_of(context.inputs[1].shape())[0]);
  ops::store(context.outputs[0], ops::convolve(convolution, x, w));
}

}  // namespace

extern const Op op_ConvInteger;
const Op op_ConvInteger{.name = "ConvInteger",
                        .min_inputs = 2,
                        .max_inputs = 4,
                        .infer = infer,
                        .reference = reference,
                        .flops = [](const Problem& problem) { return ops::convolution_flops(problem, 0, 1); }};

}  // namespace halftone
