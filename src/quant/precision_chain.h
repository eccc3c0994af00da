#pragma once
#include <map>
#include <string>
#include <vector>

#include "quant/sensitivity.h"

namespace halftone {

/// A precision for each layer, by name.
using PrecisionMap = std::map<std::string, Precision>;

/// Every layer in the precision it is fastest in; the lowest of `precisions` where times are equal or not known.
PrecisionMap fastest_precisions(const std::vector<Layer>& layers, const std::vector<Precision>& precisions);

/// The sum of the layers' noises, each lowered alone.
double noise_of(const std::vector<Layer>& layers, const PrecisionMap& precisions);

/// Mixes from `fastest` to the least noise that `precisions` (the lowest first) allow, each as fast as can be found
/// under a bound on noise_of() that falls by 1.5 dB from one to the next, over 24 dB at most. For a bound, layers are
/// raised in the order of noise taken off per second lost until it holds, and then put back, in the order of seconds
/// won per noise, where it still does. Mixes that a quieter one is no slower than are left out. Looks at no labels.
std::vector<PrecisionMap> precision_chain(const std::vector<Layer>& layers, const std::vector<Precision>& precisions,
                                          const PrecisionMap& fastest);

}  // namespace halftone
