#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "backend/backend.h"
#include "backend/check.h"

namespace halftone {

/// Prepares one tactic and holds it to what kernels promise: its outputs agree with `expected` (compare()), a second
/// run on other rubbish gives the same bits, nothing is written outside the outputs and the workspace or into the
/// inputs, constants it says it packed are not read, and taking over an input's buffer changes nothing. `inputs` and
/// `expected` are on the host. Errors of prepare and run pass through.
Comparison check_tactic(const Problem& problem, const Kernel& kernel, std::string_view config,
                        std::span<const Tensor> inputs, std::span<const Tensor> expected, Backend& backend,
                        int threads);

}  // namespace halftone
