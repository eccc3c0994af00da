#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "quant/quantize.h"

namespace halftone {

/// What each product of an FP8 plan, but for those it leaves in 16 bits, adds to the outputs with all others in FP32:
/// sum (y - y32)^2 / sum y32^2 over the images. By name.
std::map<std::string, double> measure_float8_noise(const CalibratedModel& model,
                                                   const std::shared_ptr<Backend>& backend, const Dataset& images,
                                                   const Preprocess& preprocess, const QuantizeOptions& options);

/// The products to leave in 16 bits: `sixteen_bit`, and of those in `noise` what takes off most for its
/// multiplications, products that read one tensor together, as long as
/// - what stays in 8 bits adds more than -34 dB to the outputs, which costs no answers that 6,500 can show
///   (docs/quantization.md),
/// - it makes a tenth of that, or all add more than -30 dB: less than that, made by many products in equal parts as in
///   deep networks, is left, for taking it off would give up 8 bits altogether,
/// - at least a third of all multiplications stay in 8 bits.
std::set<std::string> raise_noisy_products(const Graph& graph, const std::set<std::string>& sixteen_bit,
                                           const std::map<std::string, double>& noise);

}  // namespace halftone
