#include "engine/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace halftone {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t rounded(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

MemoryPlan plan_memory(const std::vector<Lifetime>& lifetimes) {
  MemoryPlan plan;
  plan.offsets.assign(lifetimes.size(), 0);
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  std::vector<std::size_t> placed;
  for (const auto index : order) {
    const auto& wanted = lifetimes[index];
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // begin, end of what overlaps in time
    for (const auto other : placed) {
      const auto& lifetime = lifetimes[other];
      if (lifetime.first <= wanted.last && wanted.first <= lifetime.last)
        taken.emplace_back(plan.offsets[other], plan.offsets[other] + rounded(lifetime.bytes));
    }
    std::sort(taken.begin(), taken.end());
    std::size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (begin >= offset + rounded(wanted.bytes)) break;
      offset = std::max(offset, end);
    }
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, offset + rounded(wanted.bytes));
    placed.push_back(index);
  }
  int steps = 0;
  for (const auto& lifetime : lifetimes) steps = std::max(steps, lifetime.last + 1);
  for (int step = 0; step < steps; ++step) {
    std::size_t alive = 0;
    for (const auto& lifetime : lifetimes)
      if (lifetime.first <= step && step <= lifetime.last) alive += rounded(lifetime.bytes);
    plan.floor = std::max(plan.floor, alive);
  }
  return plan;
}

}  // namespace halftone
