#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "quant/quantize.h"

namespace halftone {

/// What quantising a product's input and weights adds to each of its output channels on average over `images`, its
/// input being FP32's: E[conv(Q(x), Q(w))] - E[conv(x, w)]. By product, for those a bias can correct. (The empirical
/// form of bias correction of Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
/// ICCV 2019, section 4.2, taken layer by layer so that it holds for any mix of precisions.)
std::map<std::string, std::vector<float>> measure_bias_errors(const CalibratedModel& model,
                                                              const std::shared_ptr<Backend>& backend,
                                                              const Dataset& images, const Preprocess& preprocess,
                                                              const QuantizeOptions& options);

/// Takes the errors off the biases of all products but those named in `keep_float`, giving a bias to those without.
void correct_biases(Graph& graph, const std::map<std::string, std::vector<float>>& errors,
                    const std::set<std::string>& keep_float);

}  // namespace halftone
