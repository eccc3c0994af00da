#pragma once
#include "backend/backend.h"

namespace halftone::cpu {

/// Arithmetic peaks by register-only loops and bandwidths by streaming, with `threads` OpenMP threads; best of several.
Peaks measure_peaks(const Backend& backend, int threads);

}  // namespace halftone::cpu
