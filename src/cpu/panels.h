#pragma once

// Plain data shared with files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

/// How one instruction set multiplies rows of x with panels of weights. Weights lie in panels of `panel` columns: for
/// each group of `dot` inputs, `width` columns a vector; the last panel has as many vectors as it needs; what is
/// missing is zero. Floats have dot = 1.
struct Panels {
  int width, panel, rows;
  int dot;               ///< 8-bit inputs in a 32-bit lane
  int weight_bytes;      ///< of an 8-bit weight in a panel
  int prepared_bytes;    ///< of a prepared 8-bit input
  bool always_prepares;  ///< 8-bit rows of any type and depth are prepared
  int signed_shift;      ///< what preparing adds to signed inputs
};

}  // namespace halftone::cpu
