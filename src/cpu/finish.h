#pragma once
#include "graph/fused_conv.h"

namespace halftone::cpu {

/// x (any of FusedConv's types, `count` elements) as float, minus `zero`. Uses the OpenMP team.
void to_float(DType type, const void* x, float zero, float* y, std::int64_t count);

/// The rest of a FusedConv after its float sum with bias: residual (null where absent), activation, requantise.
/// `sum` may be `y` where y is f32. Uses the OpenMP team.
void finish(const FusedConv& conv, const Quantisation& q, const float* sum, const void* residual, void* y);

}  // namespace halftone::cpu
