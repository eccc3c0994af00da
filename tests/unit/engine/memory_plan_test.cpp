#include "engine/memory_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace halftone {
namespace {

bool overlap(const std::vector<Lifetime>& lifetimes, const MemoryPlan& plan) {
  for (std::size_t a = 0; a < lifetimes.size(); ++a)
    for (std::size_t b = a + 1; b < lifetimes.size(); ++b) {
      const bool in_time = lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
      const bool in_space = plan.offsets[a] < plan.offsets[b] + lifetimes[b].bytes &&
                            plan.offsets[b] < plan.offsets[a] + lifetimes[a].bytes;
      if (in_time && in_space) return true;
    }
  return false;
}

TEST(MemoryPlan, AChainNeedsTwoBuffers) {
  std::vector<Lifetime> chain;
  for (int i = 0; i < 10; ++i) chain.push_back({1024, i, i + 1});
  const auto plan = plan_memory(chain);
  EXPECT_EQ(plan.bytes, 2048u);
  EXPECT_EQ(plan.floor, 2048u);
  EXPECT_FALSE(overlap(chain, plan));
}

TEST(MemoryPlan, NeverOverlapsAndStaysInsideTheArena) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lifetimes;
    const int count = 1 + static_cast<int>(random() % 30);
    for (int i = 0; i < count; ++i) {
      const int first = static_cast<int>(random() % 20);
      lifetimes.push_back({random() % 5000, first, first + static_cast<int>(random() % 6)});
    }
    const auto plan = plan_memory(lifetimes);
    EXPECT_FALSE(overlap(lifetimes, plan));
    EXPECT_GE(plan.bytes, plan.floor);
    for (std::size_t i = 0; i < lifetimes.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % 64, 0u);
      EXPECT_LE(plan.offsets[i] + lifetimes[i].bytes, plan.bytes);
    }
  }
}

TEST(MemoryPlan, NothingNeedsNothing) { EXPECT_EQ(plan_memory({}).bytes, 0u); }

}  // namespace
}  // namespace halftone
