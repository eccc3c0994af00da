#include <cstring>

#include "graph/ops/helpers.h"

// Cast and CastLike: floats to integers truncate, to bool test for non-zero, to halves round to nearest even.
namespace halftone {
namespace {

void infer_cast(InferContext& context) {
  const DType to = ops::dtype_attribute(context.attributes, "to");
  if (to == DType::none) fail(Code::invalid_model, "attribute 'to' is missing");
  context.set_output(0, to, context.shape(0));
}

void reference(const ReferenceContext& context) {
  Tensor& y = context.outputs[0];
  const Tensor converted = context.inputs[0].to(y.dtype());
  if (y.bytes() != 0) std::memcpy(y.raw(), converted.raw(), y.bytes());
}

}  // namespace

extern const Op op_Cast;
const Op op_Cast{.name = "Cast", .infer = infer_cast, .reference = reference};

extern const Op op_CastLike;
const Op op_CastLike{
    .name = "CastLike",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = [](InferContext& context) { context.set_output(0, context.input(1).dtype, context.shape(0)); },
    .reference = reference};

}  // namespace halftone
