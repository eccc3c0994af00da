#include <algorithm>
#include <cstring>

#include "graph/ops/helpers.h"

// Inference only: the data as it is, and a mask that keeps everything.
namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "ratio"}, {2, "training_mode"}};

void infer(InferContext& context) {
  const bool training = context.attributes.get_int("training_mode", 0) != 0;
  if (training && context.attributes.get_float("ratio", 0.5) != 0)
    fail(Code::unsupported, "Dropout in training mode; export the model for inference");
  ops::infer_same(context);
  context.set_output(1, DType::boolean, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const Tensor& x = context.inputs[0];
  if (context.outputs[0].defined() && x.bytes() != 0) std::memcpy(context.outputs[0].raw(), x.raw(), x.bytes());
  if (context.outputs.size() > 1 && context.outputs[1].defined()) {
    auto mask = context.outputs[1].data<bool>();
    std::fill(mask.begin(), mask.end(), true);
  }
}

}  // namespace

extern const Op op_Dropout;
const Op op_Dropout{.name = "Dropout",
                    .max_inputs = 3,
                    .max_outputs = 2,
                    .structural = kStructural,
                    .infer = infer,
                    .reference = reference,
                    .flops = ops::no_flops};

}  // namespace halftone
