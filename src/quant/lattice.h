#pragma once
#include <map>
#include <optional>
#include <vector>

#include "graph/graph.h"
#include "quant/histogram.h"

/// Scales under which engines cannot disagree. A product's output is s_x w_c n + bias with an integer n, and rounds to
/// a multiple of s_y; where that lands close to the middle between two of them, the last bit of a float decides, and
/// the next layers amplify it. So w_c is chosen such that s_y / (s_x w_c) is a fraction of few bits with an odd
/// numerator: then all that can come out lies on a lattice that stays clear of every middle, by more than float32 is
/// ever off.
namespace halftone {

/// What a product's output is rounded to, as far as its weights' scales are concerned.
struct Lattice {
  float ratio = 1;  ///< s_y / s_x: steps of the rounding in steps of the product's input
  /// The other operand of a running sum has steps of m / 2^fineness of s_y, m an integer; none: no other operand.
  std::optional<int> fineness;

  /// The smallest suitable scale that is not below `scale`: larger by 0.4 % at most, by 3 % where a sum has finer steps
  /// than its other operand, and 1/4096 of the output's step at least.
  float weight_scale(float scale) const;
  /// What suits such weights nearest to a bias, in units of s_x w_c: an integer, or what lies half way between the
  /// lattice's points where sums make them finer.
  double bias(double units, float weight_scale) const;
};

/// Widens the ranges of the other operands of running sums, by an eighth at most, so that their scales are
/// m / 2^j times the sum's, 8 <= m < 16. `groups` have one range each.
void align_sums(const Graph& graph, const std::vector<std::vector<ValueId>>& groups, bool symmetric,
                std::map<ValueId, Range>& ranges);

/// By index of the product's node; products whose output, behind a running sum, a Relu or a Clip, is not rounded (or
/// whose sum is not aligned) have none.
std::map<int, Lattice> lattices_of(const Graph& graph, const std::map<ValueId, Range>& ranges, bool symmetric);

}  // namespace halftone
