#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>

#include "quant/product.h"
#include "quant/quantize.h"

/// Which way to round each weight. To the nearest 8-bit float is best for the weight, not for the sums it goes into:
/// what a product reads is correlated, from channel to channel and from pixel to pixel, so that the errors of some
/// weights can take off those of others.
namespace halftone {

/// How the numbers that a group of a product's channels reads vary together: E[x x^T] - E[x] E[x]^T, [n, n] row by row,
/// and how many x it was seen on. What rounding does to the mean is left to the correction of biases.
struct Covariance {
  std::size_t n = 0;
  std::size_t samples = 0;
  std::vector<float> values;
};

/// Rounds rows of n weights, one a scale, in place to 8-bit floats times a row's scale, so that E[((w' - w) x)^2] over
/// the covariance is small: the last weight first, each to the number nearest to what takes off the errors of those
/// before (Babai's nearest plane algorithm; E. Frantar et al., "GPTQ", ICLR 2023, is the same in another order), then
/// once more each with all others as they are. The covariance is drawn towards its diagonal by n / (n + samples), where
/// it says nothing of what was not seen; a diagonal one rounds each weight to the nearest.
void round_rows(std::span<float> weights, std::span<const float> scales, const Covariance& covariance);

/// The weights of each product as an FP8 plan stores them, on the scales of float8_scales. Runs the images through the
/// FP32 network. Products that read more than 8,192 numbers an output are left out: theirs are rounded to the nearest.
std::map<std::string, QuantizedWeights> round_weights(const Graph& graph, const std::shared_ptr<Backend>& backend,
                                                      const Dataset& images, const Preprocess& preprocess,
                                                      const QuantizeOptions& options);

}  // namespace halftone
