#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "quant/histogram.h"

/// What sets plans in 8-bit floats apart: three bits of mantissa round every value, large or small, by the same part of
/// itself, so that what matters is where values lie, not how far they reach.
namespace halftone {

/// The products that a plan in 8-bit floats leaves in 16 bits: those whose rounding costs most for the work they do.
/// They are the ones that read the network's input, those that read what these make, what joins either in an Add with
/// all before it (a network's first block), and the last ones. Leaves at least half of all products in 8 bits.
std::set<std::string> sixteen_bit_products(const Graph& graph);

/// The scale of each output channel's weights, of those that bring the largest magnitude to between half of 448 and
/// 448, with the least squared error. f32 [channels].
Tensor float8_scales(const Tensor& weights, std::size_t axis);

/// Forgets the ranges of values between products left in float and a MaxPool behind them: there is less to round there.
void round_after_pools(const Graph& graph, const std::set<std::string>& keep_float, std::map<ValueId, Range>& ranges);

}  // namespace halftone
