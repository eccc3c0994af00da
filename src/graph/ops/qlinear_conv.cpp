#include "graph/ops/convolution.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

enum Input : std::size_t { kX, kXScale, kXZero, kW, kWScale, kWZero, kYScale, kYZero, kBias };

void infer(InferContext& context) {
  ops::require_8bit(context, kX, kW);
  ops::require_8bit(context, kX, kYZero);
  const auto convolution = ops::convolution_of(context.attributes, context.shape(kX), context.shape(kW));
  ops::check_zero_point(context, kXZero, kX, 1);
  ops::check_zero_point(context, kWZero, kW, convolution.y.c);
  ops::check_zero_point(context, kYZero, kYZero, 1);
  for (const auto i : {kXScale, kWScale, kYScale}) {
    ops::require_float(context, i);
    const auto count = context.shape(i).count();
    if (count != 1 && (i != kWScale || count != convolution.y.c))
      fail(Code::invalid_model, "{} scales, input {}, for {} output channels", count, static_cast<std::size_t>(i),
           convolution.y.c);
  }
  if (context.has(kBias)) {
    ops::require_shape(context, kBias, Shape{convolution.y.c});
    if (context.input(kBias).dtype != DType::i32)
      fail(Code::invalid_model, "the bias is {}, not i32", name(context.input(kBias).dtype));
  }
  context.set_output(0, context.input(kYZero).dtype, convolution.y.shape());
}

void reference(const ReferenceContext& context) {
  const auto& inputs = context.inputs;
  const auto convolution = ops::convolution_of(context.attributes, inputs[kX].shape(), inputs[kW].shape());
  const auto x = ops::centred(context, kX, kXZero, 1);
  const auto w = ops::centred(context, kW, kWZero, strides_of(inputs[kW].shape())[0]);
  auto values = ops::convolve(convolution, x, w);
  const auto w_scale = inputs[kWScale].to_doubles();
  const double x_over_y = inputs[kXScale].to_doubles()[0] / inputs[kYScale].to_doubles()[0];
  const double zero = inputs[kYZero].to_doubles()[0];
  const auto range = ops::range_of(context.outputs[0].dtype());
  const auto& y = convolution.y;
  const auto bias =
      context.has(kBias) ? inputs[kBias].to_doubles() : std::vector<double>(static_cast<std::size_t>(y.c), 0);
  for (std::int64_t n = 0; n < y.n; ++n)
    for (std::int64_t c = 0; c < y.c; ++c)
      for (std::int64_t s = 0; s < y.plane; ++s) {
        const auto channel = static_cast<std::size_t>(c);
        auto& value = values[y.at(n, c, s)];
        value =
            ops::requantize(value + bias[channel], x_over_y * w_scale[w_scale.size() == 1 ? 0 : channel], zero, range);
      }
  ops::store(context.outputs[0], values);
}

}  // namespace

extern const Op op_QLinearConv;
const Op op_QLinearConv{.name = "QLinearConv",
                        .min_inputs = 8,
                        .max_inputs = 9,
                        .infer = infer,
                        .reference = reference,
                        .flops = [](const Problem& problem) { return ops::convolution_flops(problem, kX, kW); }};

}  // namespace halftone
