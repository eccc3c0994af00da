#pragma once
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/tactic.h"

namespace halftone {

/// Every kernel with every config that supports the Problem, in the backend's order; refusals among them with their
/// reason. Fallbacks (kernels that do not compete) come only when nothing else supports it.
std::vector<Candidate> candidates(const Problem& problem, const Backend& backend,
                                  const std::set<std::string>& kernels_off = {});

/// Prepares, checks and times candidates on random data.
class Tuner {
 public:
  Tuner(Backend& backend, int threads) : backend_(backend), threads_(threads) {}

  /// Times all candidates interleaved, drops those clearly behind, and checks each output before it may win: at sampled
  /// positions against the reference, everywhere against the other candidates. Throws unsupported when none is left.
  Tactic choose(const Problem& problem, const std::set<std::string>& kernels_off = {});

  /// The first candidate, unmeasured. Throws unsupported, saying why each kernel refused.
  static Tactic heuristic(const Problem& problem, const Backend& backend,
                          const std::set<std::string>& kernels_off = {});

 private:
  Backend& backend_;
  int threads_;
};

}  // namespace halftone
