#include "graph/ops/helpers.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  (void)context.input(0);
  context.set_output(0, DType::i64, Shape{});
}

void reference(const ReferenceContext& context) {
  context.outputs[0].data<std::int64_t>()[0] = context.inputs[0].shape().count();
}

}  // namespace

extern const Op op_Size;
const Op op_Size{.name = "Size", .infer = infer, .reference = reference, .flops = ops::no_flops};

}  // namespace halftone
