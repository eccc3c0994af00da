#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/problem.h"

namespace halftone {

/// Inputs that exercise a Problem: the same for the same seed on every machine; 8-bit data over its full range, scales
/// that keep quantised outputs from saturating everywhere, values inside the operator's domain. Undefined where an
/// input is left out.
std::vector<Tensor> random_inputs(const Problem& problem, std::uint64_t seed);

/// What compare() found. `worst` is the largest difference as a multiple of what is allowed (quantised outputs: in
/// steps); `message` says where, empty when ok.
struct Comparison {
  bool ok = true;
  double worst = 0;
  std::string message;
};

/// Compares a kernel's outputs with another way's (the reference's) for the same inputs. Allowed are:
/// - nothing for integers and for operators that only move or choose elements;
/// - for floats a unit in the last place of the output type, and of sums a part of max|x| sum|w| that grows with the
///   root of the number of terms (the usual error of a float sum: Higham, Accuracy and Stability, ch. 4);
/// - for quantised outputs one step in few elements, where a sum rounds to the other side of a tie.
Comparison compare(const Problem& problem, std::span<const Tensor> expected, std::span<const Tensor> outputs,
                   std::span<const Tensor> inputs);

}  // namespace halftone
