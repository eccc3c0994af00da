#include "quant/paired.h"

#include <cmath>

namespace halftone {

double PairedDrop::points() const {
  return images == 0 ? 0 : 100 * static_cast<double>(lost - gained) / static_cast<double>(images);
}

double PairedDrop::confidence(double limit) const {
  if (same_model) return limit >= 0 ? 1 : 0;
  const double n = static_cast<double>(images) + 2;
  const double difference = static_cast<double>(lost - gained) / n;
  const double changed = (static_cast<double>(lost + gained) + 1) / n;
  const double deviation = std::sqrt((changed - difference * difference) / n);
  return std::erfc(-(limit / 100 - difference) / deviation / std::sqrt(2.0)) / 2;
}

}  // namespace halftone
