#include "graph/ops/helpers.h"

namespace halftone::ops {

void infer_same(InferContext& context) { context.set_output(0, context.input(0).dtype, context.shape(0)); }

}  // namespace halftone::ops
