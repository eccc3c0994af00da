#include <cmath>

#include "graph/ops/helpers.h"

namespace halftone {

#define HALFTONE_UNARY(NAME, EXPRESSION)                                                       \
  extern const Op op_##NAME;                                                                   \
  const Op op_##NAME{.name = #NAME, .infer = ops::infer_same, .reference = [](const ReferenceContext& context) { \
                       ops::map_float(context, [](auto x) { return EXPRESSION; });             \
                     }};

HALFTONE_UNARY(Relu, x > 0 ? x : x * 0)

}  // namespace halftone
