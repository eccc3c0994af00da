#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace halftone {

/// A buffer that lives from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  ///< one a lifetime, multiples of 64
  std::size_t bytes = 0;             ///< size of the arena
  std::size_t floor = 0;             ///< most bytes alive at one step: no plan can be smaller
};

/// Places buffers so that no two alive at the same step overlap: largest first, each at the lowest gap that fits it.
MemoryPlan plan_memory(const std::vector<Lifetime>& lifetimes);

}  // namespace halftone
