#include "quant/lattice.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "quant/product.h"

namespace halftone {
namespace {

// float32 is off by 2^-24 of the value at most, a few times over; a rounded value is at most 255 steps. With 4096
// points in a step, half a point of 255 steps is 2^-21.
constexpr int kPointBits = 12;
constexpr double kMostPoints = 1 << kPointBits;
constexpr int kNumeratorBits = 10, kLeastNumeratorBits = 7;

/// ratio = numerator / 2^shift
struct Fraction {
  double numerator;
  int shift;
};

int exponent(double value) { return std::ilogb(value); }

int numerator_bits(const std::optional<int>& fineness) {
  return fineness ? std::clamp(kPointBits - *fineness, kLeastNumeratorBits, kNumeratorBits) : kNumeratorBits;
}

/// The largest fraction of that kind that is not above `ratio`. Without a sum the denominator may not cancel: an odd
/// numerator over 1 or a power of two.
Fraction below(double ratio, const std::optional<int>& fineness) {
  // Weights so small that a step of the output is thousands of theirs need no more of them.
  ratio = std::min(ratio, kMostPoints);
  const auto odd = [&](int shift) {  // a fraction that is one stays itself
    return std::floor((std::ldexp(ratio, shift) * (1 + 1e-6) - 1) / 2) * 2 + 1;
  };
  const int bits = numerator_bits(fineness);
  int shift = bits - 1 - exponent(ratio);
  if (!fineness) shift = std::max(shift, 0);
  if (odd(shift) < std::ldexp(1, bits - 1)) ++shift;
  return {odd(shift), shift};
}

/// The value that a product's sum becomes behind a Relu or a Clip, if those alone read it.
ValueId through_activation(const Graph& graph, const std::vector<std::vector<int>>& users, ValueId id,
                           const std::map<ValueId, Range>& ranges) {
  while (!ranges.contains(id)) {
    const auto& readers = users[static_cast<std::size_t>(id)];
    if (readers.size() != 1 || readers[0] < 0) break;
    const Node& reader = graph.nodes[static_cast<std::size_t>(readers[0])];
    if (reader.op != "Relu" && reader.op != "Clip") break;
    id = reader.outputs[0];
  }
  return id;
}

/// The least j with which ratio * 2^j is an integer below 16, or where none is, nothing.
std::optional<int> fineness_of(double ratio) {
  for (int j = 0; j <= std::max(0, 3 - exponent(ratio)); ++j) {
    const double steps = std::ldexp(ratio, j);
    if (std::abs(steps - std::nearbyint(steps)) <= 1e-5 * steps) return j;
  }
  return std::nullopt;
}

}  // namespace

float Lattice::weight_scale(float scale) const {
  const auto fraction = below(static_cast<double>(ratio) / static_cast<double>(scale), fineness);
  if (fraction.numerator < 1) return scale;
  return static_cast<float>(static_cast<double>(ratio) / std::ldexp(fraction.numerator, -fraction.shift));
}

double Lattice::bias(double units, float weight_scale) const {
  if (!fineness) return std::nearbyint(units);
  const auto fraction = below(static_cast<double>(ratio) / static_cast<double>(weight_scale), fineness);
  const int finer = std::max(*fineness, -fraction.shift);  // y is a multiple of s_y / (numerator * 2^finer)
  const int bits = fraction.shift + finer;                 // which is s_x w_c / 2^bits
  const double points = std::ldexp(units, bits);
  // The middle, numerator * 2^finer / 2 of them, is one of them unless that is odd / 2.
  return std::ldexp(finer == 0 ? std::nearbyint(points) : std::floor(points) + 0.5, -bits);
}

void align_sums(const Graph& graph, const std::vector<std::vector<ValueId>>& groups, bool symmetric,
                std::map<ValueId, Range>& ranges) {
  const auto users = graph.users();
  auto sums = sums_of(graph);
  std::sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.add > b.add; });
  std::set<std::size_t> settled;  // groups; the sum behind comes first, and what it is aligned to stays
  for (const auto& sum : sums) {
    const auto y = through_activation(graph, users, graph.nodes[static_cast<std::size_t>(sum.add)].outputs[0], ranges);
    if (!ranges.contains(y) || !ranges.contains(sum.other)) continue;
    const auto group_of = [&](ValueId id) {
      return static_cast<std::size_t>(
          std::find_if(groups.begin(), groups.end(),
                       [&](const auto& group) { return std::find(group.begin(), group.end(), id) != group.end(); }) -
          groups.begin());
    };
    const auto other = group_of(sum.other);
    const auto scale = activation_scale(ranges.at(sum.other), symmetric);
    settled.insert(group_of(y));
    if (scale.scale <= 0 || !settled.insert(other).second) continue;
    const double step = static_cast<double>(activation_scale(ranges.at(y), symmetric).scale);
    const double ratio = static_cast<double>(scale.scale) / step;
    const int j = 3 - exponent(ratio);
    const auto aligned = static_cast<float>(step * std::ldexp(std::ceil(std::ldexp(ratio, j) * (1 - 1e-6)), -j));
    const auto wider =
        symmetric ? Range{-127 * aligned, 127 * aligned}
                  : Range{-static_cast<float>(scale.zero) * aligned, static_cast<float>(255 - scale.zero) * aligned};
    for (const auto id : groups[other]) ranges[id] = wider;
  }
}

std::map<int, Lattice> lattices_of(const Graph& graph, const std::map<ValueId, Range>& ranges, bool symmetric) {
  const auto users = graph.users();
  const auto sums = sums_of(graph);
  const auto scale_of = [&](ValueId id) { return activation_scale(ranges.at(id), symmetric).scale; };
  std::map<int, Lattice> lattices;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!is_product(graph, node) || !ranges.contains(node.inputs[0])) continue;
    const auto sum =
        std::find_if(sums.begin(), sums.end(), [&](const auto& item) { return item.product == static_cast<int>(i); });
    const bool runs = sum != sums.end();
    const ValueId out = runs ? graph.nodes[static_cast<std::size_t>(sum->add)].outputs[0] : node.outputs[0];
    const ValueId y = through_activation(graph, users, out, ranges);
    if (!ranges.contains(y) || (runs && !ranges.contains(sum->other))) continue;
    Lattice lattice{scale_of(y) / scale_of(node.inputs[0]), std::nullopt};
    if (runs) {
      lattice.fineness = fineness_of(static_cast<double>(scale_of(sum->other)) / static_cast<double>(scale_of(y)));
      if (!lattice.fineness) continue;
    }
    lattices[static_cast<int>(i)] = lattice;
  }
  return lattices;
}

}  // namespace halftone
