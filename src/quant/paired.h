#pragma once
#include <cstdint>

namespace halftone {

/// Two models' answers on the same labelled images: right in the first only, right in the second only.
struct PairedDrop {
  std::int64_t images = 0;
  std::int64_t lost = 0;
  std::int64_t gained = 0;
  bool same_model = false;  ///< both are one model, whose drop is 0 on any image

  /// Points of top-1 that the second model loses on these images.
  double points() const;
  /// How sure these images make one that it loses at most `limit` points on images like them, 0 … 1: the one-sided
  /// normal interval for paired proportions with half an image added to each of the four cells (A. Agresti, Y. Min,
  /// "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005).
  double confidence(double limit) const;
};

}  // namespace halftone
