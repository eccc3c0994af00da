#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace halftone {

/// How a tensor's range is chosen from what calibration saw.
enum class Calibrator : std::uint8_t { minmax, percentile, entropy, mse };
std::string_view name(Calibrator calibrator);
std::optional<Calibrator> parse_calibrator(std::string_view text);

/// An interval that contains 0.
struct Range {
  float low = 0;
  float high = 0;
  bool operator==(const Range&) const = default;
};

/// A histogram over [-reach, reach) that widens by doubling, so that its size does not grow with what it has seen.
class Histogram {
 public:
  static constexpr std::size_t kBins = 8192;

  /// Counts values; uses the calling thread's OpenMP team. Infinities and NaNs are counted apart, and zeros only in
  /// count().
  void add(std::span<const float> values);
  /// Adds what another one saw.
  void merge(const Histogram& other);

  float low() const { return low_; }    ///< smallest value seen, 0 at most
  float high() const { return high_; }  ///< largest value seen, 0 at least
  std::uint64_t count() const { return count_; }
  std::uint64_t not_finite() const { return not_finite_; }
  /// The range a calibrator chooses for 256 levels. `percentile` in percent; `symmetric`: low = -high.
  Range range(Calibrator calibrator, double percentile, bool symmetric) const;
  /// The summed squared error of values - shift, rounded to 8-bit floats of a scale. Zeros are not counted.
  double float8_error(float shift, float scale) const;

 private:
  void widen(float reach);
  double center(std::size_t bin) const;
  Range by_percentile(double percentile) const;
  Range by_entropy(bool symmetric) const;
  Range by_mse(bool symmetric) const;

  std::vector<std::uint64_t> bins_ = std::vector<std::uint64_t>(kBins, 0);
  float reach_ = 0;
  float low_ = 0, high_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t not_finite_ = 0;
};

}  // namespace halftone
