#include <algorithm>

#include "graph/ops/image.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  if (context.input(0).dtype != DType::f32)
    fail(Code::invalid_model, "x is {}, f32 is needed", name(context.input(0).dtype));
  context.set_output(0, DType::u8, context.shape(0));
  context.set_output(1, DType::f32, Shape{});
  context.set_output(2, DType::u8, Shape{});
}

void reference(const ReferenceContext& context) {
  const auto x = context.inputs[0].data<float>();
  float low = 0, high = 0;
  for (const float value : x) low = std::min(low, value), high = std::max(high, value);
  const auto range = ops::range_of(DType::u8);
  const float scale = high > low ? (high - low) / 255.0f : 1.0f;
  const double zero = ops::quantize(-low, scale, 0, range);
  std::vector<double> y;
  for (const float value : x) y.push_back(ops::quantize(value, scale, zero, range));
  ops::store(context.outputs[0], y);
  if (context.outputs.size() > 1 && context.outputs[1].defined()) context.outputs[1].data<float>()[0] = scale;
  if (context.outputs.size() > 2 && context.outputs[2].defined())
    context.outputs[2].data<std::uint8_t>()[0] = static_cast<std::uint8_t>(zero);
}

}  // namespace

extern const Op op_DynamicQuantizeLinear;
const Op op_DynamicQuantizeLinear{
    .name = "DynamicQuantizeLinear",
    .max_outputs = 3,
    .infer = infer,
    .reference = reference,
    .flops = [](const Problem& problem) { return 4 * static_cast<double>(problem.output().shape.count()); }};

}  // namespace halftone
