#include "graph/ops/helpers.h"
#include "graph/ops/image.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  const auto x = context.input(0).dtype;
  if (!ops::is_quantized(x) && x != DType::i32) fail(Code::unsupported, "dequantising {}", name(x));
  ops::check_quantization(context, 1, 2, x);
  (void)ops::quantization_axis(context.attributes, context.shape(0), context.shape(1));
  const auto to = ops::dtype_attribute(context.attributes, "output_dtype", context.input(1).dtype);
  if (!is_float(to)) fail(Code::invalid_model, "dequantising to {}", name(to));
  context.set_output(0, to, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const auto axis = ops::quantization_axis(context.attributes, context.inputs[0].shape(), context.inputs[1].shape());
  const auto x = context.inputs[0].to_doubles();
  const auto scale = context.inputs[1].to_doubles();
  const auto zero = context.has(2) ? context.inputs[2].to_doubles() : std::vector<double>(scale.size(), 0);
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto entry = axis.entry(i);
    y[i] = static_cast<double>(static_cast<float>(x[i] - zero[entry]) * static_cast<float>(scale[entry]));
  }
  ops::store(context.outputs[0], y);
}

}  // namespace

extern const Op op_DequantizeLinear;
const Op op_DequantizeLinear{
    .name = "DequantizeLinear",
    .min_inputs = 2,
    .max_inputs = 3,
    .infer = infer,
    .reference = reference,
    .flops = [](const Problem& problem) { return 2 * static_cast<double>(problem.output().shape.count()); }};

}  // namespace halftone
