#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace halftone::cpu {

/// work(i) for i in [0, count) by the calling thread's OpenMP team, alone where `together` is false.
template <typename Work>
void parallel_for(std::int64_t count, bool together, Work work) {
#pragma omp parallel for if (together && count > 1)
  for (std::int64_t i = 0; i < count; ++i) work(i);
}

/// work(begin, end) over chunks of [0, count).
template <typename Work>
void in_chunks(std::int64_t count, Work work, std::int64_t chunk = 4096) {
  parallel_for((count + chunk - 1) / chunk, true,
               [&](std::int64_t i) { work(i * chunk, std::min(count, (i + 1) * chunk)); });
}

}  // namespace halftone::cpu
