#pragma once
#include <span>

namespace halftone {

/// How far outputs are from those wanted, added up over many.
class NoiseSum {
 public:
  /// As many numbers of the one as of the other.
  void add(std::span<const float> got, std::span<const float> wanted);
  /// sum (got - wanted)^2 / sum wanted^2; the largest double where some number is not finite.
  double ratio() const;

 private:
  double signal_ = 0, noise_ = 0;
};

}  // namespace halftone
