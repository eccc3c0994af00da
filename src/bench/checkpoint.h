#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "bench/measure.h"

namespace halftone {

/// What a measurement has learnt so far, in a file, so that one that was interrupted can be gone on with.
class Checkpoint {
 public:
  /// Takes up the file where there is one of the same `identity` (protocol, machine, program: whatever must not change
  /// half way). An empty path keeps nothing.
  Checkpoint(std::filesystem::path path, std::string identity);

  /// Why a file that was there was not taken up; empty where it was, or there was none.
  const std::string& refusal() const { return refusal_; }
  const std::filesystem::path& path() const { return path_; }
  /// Whether turns were found in the file.
  bool resumed() const { return resumed_; }

  /// What is known of a point; an empty Measured where nothing is.
  Measured find(const std::string& point) const;
  void put(const std::string& point, const Measured& measured) { points_[point] = measured; }
  /// Writes the file, all or nothing, at most once in `seconds`. Throws io.
  void save(double seconds = 0);
  /// Takes the file away, the work being done.
  void discard();

 private:
  void read();
  std::filesystem::path path_;
  std::string identity_, refusal_;
  bool resumed_ = false;
  double saved_ = -1e9;  ///< so that the first turn is kept at once
  std::map<std::string, Measured> points_;
};

}  // namespace halftone
