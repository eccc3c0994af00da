#pragma once
#include <filesystem>

namespace halftone {

/// Held while a device is timed: processes that name the same file wait for each other, so that none times another's
/// work. Where the file cannot be made, nobody waits.
class Turn {
 public:
  /// Waits; an interruption ends that where `interruptible`.
  explicit Turn(const std::filesystem::path& file, bool interruptible = true);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  int file_ = -1;
};

}  // namespace halftone
