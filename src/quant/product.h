#pragma once
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "quant/histogram.h"
#include "quant/lattice.h"

/// What quantisation does with products: Conv, Gemm and MatMul of activations (input 0) with constant weights (input
/// 1).
namespace halftone {

/// The largest number of f8e4m3.
inline constexpr float kLargestFloat8 = 448;

bool is_product(const Graph& graph, const Node& node);

/// The names of a graph's products, in its order.
std::vector<std::string> products_of(const Graph& graph);

/// The axis of a product's weights that counts output channels.
std::size_t channel_axis(const Node& node);

/// Calls visit(channel, first element, count) for each run of weights that one channel, along `axis`, has in memory.
template <typename Visit>
void each_run(const Tensor& weights, std::size_t axis, Visit visit) {
  const auto& shape = weights.shape();
  std::size_t run = 1;
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) run *= static_cast<std::size_t>(shape[i]);
  const auto channels = static_cast<std::size_t>(shape[axis]);
  for (std::size_t i = 0; i < static_cast<std::size_t>(weights.count()); i += run) visit(i / run % channels, i, run);
}

/// An Add that a product runs into: the sum happens before rounding, and the other operand is read as 8 bits.
struct RunningSum {
  int add, product;  ///< node indices
  ValueId other;
};
std::vector<RunningSum> sums_of(const Graph& graph);

/// The Pad by which `recentre` pads the input of a convolution with what 0 became, -c: it stands behind the Clip from
/// -c on, or behind what moves that one's output. -1 where a product has none. `producers` are graph.producers().
int moved_padding(const Graph& graph, const std::vector<int>& producers, const Node& product);

/// What is rounded where a product reads 8 bits: its input, or what such a Pad pads.
ValueId rounded_input(const Graph& graph, const std::vector<int>& producers, const Node& product);

/// Symmetric weights, one scale an output channel: the largest magnitude becomes 127, or 448 in 8-bit floats; with a
/// lattice the next scale that suits it.
struct QuantizedWeights {
  Tensor data;   ///< i8 or f8e4m3, the weights' shape
  Tensor scale;  ///< f32 [channels]
};
QuantizedWeights quantize_weights(const Tensor& weights, std::size_t axis, bool fp8 = false,
                                  const Lattice* lattice = nullptr);
/// Those of a product: as `chosen` has them under its name, else rounded here.
QuantizedWeights weights_of(const Graph& graph, const Node& product,
                            const std::map<std::string, QuantizedWeights>& chosen, bool fp8, const Lattice* lattice);
/// What they stand for.
Tensor dequantize_weights(const QuantizedWeights& weights, std::size_t axis);

/// real = scale * (stored - zero), stored in u8, or in i8 with zero = 0 where `symmetric`, or in f8e4m3 with zero = 0.
struct ActivationScale {
  float scale = 1;
  int zero = 0;
};
ActivationScale activation_scale(const Range& range, bool symmetric, bool fp8 = false);
/// Its zero point as QuantizeLinear takes it, which says by its type what is stored.
Tensor zero_point(const ActivationScale& scale, bool symmetric, bool fp8);

}  // namespace halftone
