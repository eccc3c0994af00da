#include "quant/noise_sum.h"

#include <cmath>
#include <limits>

namespace halftone {

void NoiseSum::add(std::span<const float> got, std::span<const float> wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    signal_ += std::pow(static_cast<double>(wanted[i]), 2);
    noise_ += std::pow(static_cast<double>(got[i]) - static_cast<double>(wanted[i]), 2);
  }
}

double NoiseSum::ratio() const {
  if (!std::isfinite(noise_)) return std::numeric_limits<double>::max();
  return signal_ > 0 ? noise_ / signal_ : 0;
}

}  // namespace halftone
