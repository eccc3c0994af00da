#include "graph/ops/helpers.h"
#include "graph/ops/image.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  const auto x = context.input(0).dtype;
  if (!is_float(x) && x != DType::i32) fail(Code::invalid_model, "x is {}, f32, f16, bf16 or i32 is needed", name(x));
  const auto to =
      context.has(2) ? context.input(2).dtype : ops::dtype_attribute(context.attributes, "output_dtype", DType::u8);
  if (!ops::is_quantized(to)) fail(Code::unsupported, "quantising to {}", name(to));
  ops::check_quantization(context, 1, 2, to);
  (void)ops::quantization_axis(context.attributes, context.shape(0), context.shape(1));
  context.set_output(0, to, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const auto axis = ops::quantization_axis(context.attributes, context.inputs[0].shape(), context.inputs[1].shape());
  const auto range = ops::range_of(context.outputs[0].dtype());
  const auto x = context.inputs[0].to_doubles();
  const auto scale = context.inputs[1].to_doubles();
  const auto zero = context.has(2) ? context.inputs[2].to_doubles() : std::vector<double>(scale.size(), 0);
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto entry = axis.entry(i);
    if (context.outputs[0].dtype() == DType::f8e4m3) {  // rounds where it is stored
      y[i] = static_cast<double>(static_cast<float>(x[i]) / static_cast<float>(scale[entry]));
      continue;
    }
    y[i] = ops::quantize(static_cast<float>(x[i]), static_cast<float>(scale[entry]), zero[entry], range);
  }
  ops::store(context.outputs[0], y);
}

}  // namespace

extern const Op op_QuantizeLinear;
const Op op_QuantizeLinear{
    .name = "QuantizeLinear",
    .min_inputs = 2,
    .max_inputs = 3,
    .infer = infer,
    .reference = reference,
    .flops = [](const Problem& problem) { return 2 * static_cast<double>(problem.output().shape.count()); }};

}  // namespace halftone
