#include <cstring>

#include "graph/ops/helpers.h"

namespace halftone {

extern const Op op_Identity;
const Op op_Identity{.name = "Identity", .infer = ops::infer_same, .reference = [](const ReferenceContext& context) {
                       std::memcpy(context.outputs[0].raw(), context.inputs[0].raw(), context.inputs[0].bytes());
                     }};

}  // namespace halftone
