#pragma once
#include <map>
#include <memory>
#include <vector>

#include "quant/quantize.h"

namespace halftone {

/// Values whose channels may be rescaled freely: what a Conv makes, through a Relu or nothing, for Conv and Gemm nodes
/// alone to read.
std::vector<ValueId> values_to_equalize(const Graph& graph);

/// Divides each channel of a value by `factors` (one a channel, positive) in the weights and biases that make it, and
/// multiplies it in the weights that read it: the network's outputs stay what they were.
void rescale_channels(Graph& graph, ValueId value, const std::vector<float>& factors);

/// Cross-layer equalisation (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
/// ICCV 2019, section 4.1) with ranges of activations in place of the first layer's weights, which have a scale a
/// channel here: channel c is divided by range_c^s / weight_c^(1-s), range_c being its largest magnitude on an image,
/// on average, and weight_c the largest weight that reads it. A value is rescaled, with the best of four s, only where
/// that at least halves the rounding noise expected in what reads it. Returns how many values were.
std::size_t equalize(Graph& graph, const std::shared_ptr<Backend>& backend, const Dataset& images,
                     const Preprocess& preprocess, const QuantizeOptions& options);

}  // namespace halftone
