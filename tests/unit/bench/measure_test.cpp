#include "bench/measure.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "bench/noise.h"

namespace halftone {
namespace {

TEST(Measure, PointsTakeTurnsAndGetAllTheirRuns) {
  std::string order;
  const std::vector<std::function<void()>> points{[&] { order += 'a'; }, [&] { order += 'b'; }};
  double last = 0;
  const auto measured = measure(points, {.warmup = 3, .iterations = 5, .rounds = 2}, [&](std::size_t, double share) {
    EXPECT_GT(share, last);
    last = share;
  });
  // Three warm-up runs and two timed ones each; then one to warm the caches again, and three timed ones.
  EXPECT_EQ(order, "aaaaabbbbbaaaabbbb");
  EXPECT_EQ(last, 1);
  for (const auto& point : measured) {
    EXPECT_EQ(point.milliseconds.size(), 5u);
    EXPECT_EQ(point.warmup, 3);
    EXPECT_FALSE(point.shortened);
  }
}

TEST(Measure, DurationsAreMilliseconds) {
  const std::vector<std::function<void()>> points{[] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }};
  const auto measured = measure(points, {.warmup = 2, .iterations = 3, .rounds = 1});
  for (const double duration : measured[0].milliseconds) {
    EXPECT_GE(duration, 5);
    EXPECT_LT(duration, 4000);
  }
}

TEST(Measure, ASlowPointGetsFewerRunsAndTheProtocolSaysSo) {
  const std::vector<std::function<void()>> points{[] {},
                                                  [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }};
  const Protocol protocol{.warmup = 10, .iterations = 1000, .rounds = 2, .seconds = 0.1};
  const auto measured = measure(points, protocol);
  EXPECT_TRUE(measured[1].shortened);
  EXPECT_GE(measured[1].milliseconds.size(), 3u);
  EXPECT_LE(measured[1].milliseconds.size(), 10u);
  EXPECT_FALSE(measured[0].shortened);
  EXPECT_EQ(describe(protocol, measured),
            "10 warm-up and 1000 timed runs a point, points taking turns over 2 rounds. 1 of 2 points would have taken "
            "over 0.1 s and got fewer runs, " +
                std::to_string(measured[1].milliseconds.size()) + " at least.");
}

TEST(Noise, ReadsLinuxsFirstLine) {
  const auto time = parse_machine_time("cpu  100 0 50 800 20 0 10 20 0 0");
  ASSERT_TRUE(time.has_value());
  EXPECT_DOUBLE_EQ(time->busy / time->total, 160.0 / 1000);
  EXPECT_DOUBLE_EQ(time->stolen / time->total, 20.0 / 1000);
  EXPECT_FALSE(parse_machine_time("cpu 1 2 3").has_value());
  EXPECT_FALSE(parse_machine_time("").has_value());
}

TEST(Noise, NamesOthersAndStolenTimeAboveTwoPercent) {
  const MachineTime begin{100, 1, 1000};
  EXPECT_TRUE(noise_between(begin, {150, 1, 1100}, 49).empty());
  EXPECT_EQ(noise_between(begin, {150, 1, 1100}, 40),
            (std::vector<std::string>{"The machine was not quiet: other processes took 10 % of its time meanwhile."}));
  EXPECT_EQ(
      noise_between(begin, {150, 6, 1100}, 50),
      (std::vector<std::string>{"The machine was not quiet: 5 % of its time was taken by other virtual machines."}));
}

}  // namespace
}  // namespace halftone
