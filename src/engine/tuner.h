#pragma once
#include <array>
#include <filesystem>
#include <memory>
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
  /// Tuners of several processes that name the same `turn` file take turns on the device; empty: they do not.
  Tuner(Backend& backend, int threads, std::filesystem::path turn = {})
      : backend_(backend), threads_(threads), turn_(std::move(turn)) {}

  /// Times all candidates interleaved, drops those clearly behind, and checks each output before it may win: at sampled
  /// positions against the reference, everywhere against the other candidates. Throws unsupported when none is left.
  Tactic choose(const Problem& problem, const std::set<std::string>& kernels_off = {});

  /// The first candidate, unmeasured. Throws unsupported, saying why each kernel refused.
  static Tactic heuristic(const Problem& problem, const Backend& backend,
                          const std::set<std::string>& kernels_off = {});

 private:
  Backend& backend_;
  int threads_;
  std::filesystem::path turn_;
  std::array<std::shared_ptr<Buffer>, 2> staging_;  // where outputs are brought to be compared
};

}  // namespace halftone
