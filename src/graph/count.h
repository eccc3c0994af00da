#pragma once
#include <cstdint>

#include "graph/graph.h"

namespace halftone {

/// Multiply-adds of one node: of convolutions and matrix products, as publications count them; 0 for all others.
double multiply_adds(const Problem& problem);

/// Their sum over a graph whose types are known.
double multiply_adds(const Graph& graph);

/// Elements of the constants a node learns: weights, biases, BatchNormalization's scale and shift. Its running
/// statistics, what shapes a result (axes, bounds …) and the scales of quantisation are not counted.
std::int64_t parameters(const Graph& graph, const Node& node);

/// As above over a graph; a constant that several nodes share counts once.
std::int64_t parameters(const Graph& graph);

}  // namespace halftone
