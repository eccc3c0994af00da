#pragma once
#include <span>
#include <string>
#include <vector>

#include "graph/problem.h"

namespace halftone {

/// Checks a candidate's output against the reference at a price the tuner can pay: a FusedConv at a few hundred sampled
/// positions (corners and borders among them), each computed in double; anything else whole, or its first and last
/// image when the reference would take too long. Made once a Problem, used for every candidate.
class SpotCheck {
 public:
  /// `inputs` stay alive as long as the check.
  SpotCheck(const Problem& problem, std::span<const Tensor> inputs);
  /// Empty when the outputs are right, else what is wrong.
  std::string operator()(std::span<const Tensor> outputs) const;

 private:
  struct Sample {
    std::int64_t at;
    double value;      ///< before rounding to the output type
    double magnitude;  ///< sum of |products|: what float rounding scales with
  };
  std::string check_conv(const Tensor& output) const;

  const Problem& problem_;
  std::span<const Tensor> inputs_;
  std::vector<Sample> samples_;  // FusedConv
  Problem part_;                 // others: the Problem checked, whole or one image of it
  std::vector<std::vector<Tensor>> part_inputs_;
  std::vector<std::vector<Tensor>> part_outputs_;
  std::vector<std::int64_t> images_;  // which images; empty: the whole
};

}  // namespace halftone
