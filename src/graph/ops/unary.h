#pragma once
#include "graph/ops/helpers.h"

/// Rows of element-wise operators of one input. `x` names the element in EXPRESSION.

/// On floating-point types, computed in double. SETUP reads `attributes` into constants, once.
#define HALFTONE_FLOAT_UNARY(NAME, SETUP, EXPRESSION)                                               \
  extern const Op op_##NAME;                                                                        \
  const Op op_##NAME{.name = #NAME,                                                                 \
                     .infer =                                                                       \
                         [](InferContext& context) {                                                \
                           ops::require_dtype(context, 0, ops::kFloats);                            \
                           ops::infer_same(context);                                                \
                         },                                                                         \
                     .reference =                                                                   \
                         [](const ReferenceContext& context) {                                      \
                           [[maybe_unused]] const Attributes& attributes = context.attributes;      \
                           SETUP;                                                                   \
                           ops::map_float(context, [=](double x) -> double { return EXPRESSION; }); \
                         }};
