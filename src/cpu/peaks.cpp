#include "cpu/peaks.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "cpu/peak_loops.h"

namespace halftone::cpu {
namespace {

/// Seconds of the slowest thread for one call of `work(thread)` by each.
template <typename Work>
double team_seconds(int threads, Work work) {
  double longest = 0;
#pragma omp parallel num_threads(threads) reduction(max : longest)
  {
    const int thread = omp_get_thread_num();
#pragma omp barrier
    const double begin = now_seconds();
    work(thread);
    longest = now_seconds() - begin;
  }
  return longest;
}

/// Operations (or bytes) a second: `work(thread, repeats)` is scaled to 10 ms, the best of five taken.
template <typename Work>
double best_rate(int threads, double amount, Work work) {
  long repeats = 1;
  double elapsed = team_seconds(threads, [&](int thread) { work(thread, repeats); });
  while (elapsed < 2e-3) {
    repeats *= 4;
    elapsed = team_seconds(threads, [&](int thread) { work(thread, repeats); });
  }
  repeats = std::max(1L, static_cast<long>(static_cast<double>(repeats) * 10e-3 / elapsed));
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    elapsed = team_seconds(threads, [&](int thread) { work(thread, repeats); });
    best = std::max(best, amount * static_cast<double>(repeats) * threads / elapsed);
  }
  return best;
}

double arithmetic(int threads, const PeakLoop& loop) {
  return best_rate(threads, loop.operations, [&](int, long repeats) { loop.run(repeats); });
}

Bandwidth bandwidth(int threads, const Streams& streams, std::string level, std::size_t capacity, std::size_t share,
                    bool memory) {
  share = share / 4096 * 4096;
  const auto buffer = allocate_host(share * static_cast<std::size_t>(threads));
  auto* base = static_cast<char*>(buffer->data());
  const auto part = [&](int thread) { return base + static_cast<std::size_t>(thread) * share; };
  team_seconds(threads, [&](int thread) { std::memset(part(thread), 0, share); });
  const auto bytes = static_cast<long>(share);
  const auto amount = static_cast<double>(share);
  const double read = best_rate(threads, amount, [&](int t, long n) { streams.read(part(t), bytes, n); });
  const auto store = memory ? streams.write_past_caches : streams.write;
  const double write = best_rate(threads, amount, [&](int t, long n) { store(part(t), bytes, n); });
  return {std::move(level), capacity, read, write};
}

}  // namespace

Peaks measure_peaks(const Backend& backend, int threads) {
  Peaks peaks;
  peaks.threads = threads;
  const bool wide = backend.has("avx512");
  const auto measure = [&](const PeakLoop& loop) { return arithmetic(threads, loop); };
  measure(peak_f32_avx2);  // wakes the threads and the clock
  peaks.flops[Precision::fp32] = measure(wide ? peak_f32_avx512 : peak_f32_avx2);
  peaks.flops[Precision::bf16] = backend.has("amx_bf16")      ? measure(peak_bf16_amx)
                                 : backend.has("avx512_bf16") ? measure(peak_bf16_avx512)
                                                              : 0;
  peaks.flops[Precision::int8] = backend.has("amx_int8") ? measure(peak_int8_amx)
                                 : wide                  ? measure(peak_int8_avx512)
                                                         : measure(peak_int8_avx2);
  const auto& caches = backend.info().cache_bytes;
  const auto size = [&](const char* level, std::size_t otherwise) {
    const auto found = caches.find(level);
    return found == caches.end() ? otherwise : found->second;
  };
  const std::size_t l1 = size("L1d", 32 << 10), l2 = size("L2", 1 << 20), l3 = size("L3", 0);
  const auto team = static_cast<std::size_t>(threads);
  const Streams& streams = wide ? streams_avx512 : streams_avx2;
  peaks.bandwidth.push_back(bandwidth(threads, streams, "L1", l1 * team, l1 / 2, false));
  peaks.bandwidth.push_back(bandwidth(threads, streams, "L2", l2 * team, l2 / 2, false));
  // A third-level cache is shared, perhaps with others: four times the second level is in it and not below it.
  if (l3 >= 6 * l2 * team) peaks.bandwidth.push_back(bandwidth(threads, streams, "L3", l3, 4 * l2, false));
  const std::size_t beyond = std::clamp<std::size_t>(2 * l3, std::size_t{64} << 20, std::size_t{512} << 20);
  peaks.bandwidth.push_back(
      bandwidth(threads, streams, "DRAM", backend.info().memory_bytes, std::max(beyond / team, 4 * l2), true));
  return peaks;
}

}  // namespace halftone::cpu
