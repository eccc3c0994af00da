#pragma once
#include "graph/graph.h"

namespace halftone {

/// Throws invalid_model, naming node and constant, where a scale is not a positive finite number, or a zero point of
/// 32-bit data is not 0.
void check_quantization(const Graph& graph);

}  // namespace halftone
