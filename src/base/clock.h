#pragma once
#include <chrono>
#include <cstdint>

namespace halftone {

/// Seconds on the monotonic clock; only differences mean anything.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace halftone
