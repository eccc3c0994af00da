#include "bench/measure.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "bench/noise.h"
#include "bench/statistics.h"

namespace halftone {
namespace {

TEST(Measure, PointsTakeTurnsAndGetAllTheirRuns) {
  std::string order;
  const std::vector<Point> points{timed([&] { order += 'a'; }), timed([&] { order += 'b'; })};
  double last = 0;
  std::vector<Measured> measured(2);
  measure(points, {.warmup = 3, .iterations = 5, .rounds = 2}, measured,
          {[&](std::size_t, double share) {
             EXPECT_GT(share, last);
             last = share;
           },
           {},
           {}});
  // Three warm-up runs and three timed ones each; then one to warm the caches again, and two timed ones.
  EXPECT_EQ(order, "aaaaaabbbbbbaaabbb");
  EXPECT_EQ(last, 1);
  for (const auto& point : measured) {
    ASSERT_EQ(point.turns.size(), 2u);
    EXPECT_EQ(point.turns[0].size(), 3u);
    EXPECT_EQ(point.turns[1].size(), 2u);
    EXPECT_EQ(point.warmup, 3);
    EXPECT_FALSE(point.shortened);
  }
}

TEST(Measure, DurationsAreMilliseconds) {
  const std::vector<Point> points{timed([] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); })};
  std::vector<Measured> measured(1);
  measure(points, {.warmup = 2, .iterations = 3, .rounds = 1}, measured);
  for (const double duration : measured[0].turns[0]) {
    EXPECT_GE(duration, 5);
    EXPECT_LT(duration, 4000);
  }
}

TEST(Measure, ASlowPointGetsFewerRunsAndTheProtocolSaysSo) {
  const std::vector<Point> points{timed([] {}),
                                  timed([] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); })};
  const Protocol protocol{.warmup = 10, .iterations = 1000, .rounds = 2, .seconds = 0.1};
  std::vector<Measured> measured(2);
  measure(points, protocol, measured);
  EXPECT_TRUE(measured[1].shortened);
  EXPECT_GE(measured[1].wanted, 3);
  EXPECT_LE(measured[1].wanted, 10);
  std::size_t taken = 0;
  for (const auto& turn : measured[1].turns) taken += turn.size();
  EXPECT_EQ(taken, static_cast<std::size_t>(measured[1].wanted));
  EXPECT_FALSE(measured[0].shortened);
  EXPECT_EQ(describe(protocol, measured),
            "10 warm-up and 1000 timed runs a point, points taking turns over 2 rounds. 1 of 2 points would have taken "
            "over 0.1 s and got fewer runs, " +
                std::to_string(measured[1].wanted) + " at least.");
}

TEST(Measure, ItsOwnCostIsUnderAMicrosecondARun) {
  const std::vector<Point> points{timed([] {})};
  std::vector<Measured> measured(1);
  measure(points, {.iterations = 10000}, measured);
  std::vector<double> all;
  for (const auto& turn : measured[0].turns) all.insert(all.end(), turn.begin(), turn.end());
  EXPECT_LT(median(all), 1e-3);
}

TEST(Measure, GoesOnWhereItWasInterrupted) {
  int runs = 0;
  const std::vector<Point> points{timed([&] {
    if (++runs == 12) fail(Code::cancelled, "interrupted");
  })};
  const Protocol protocol{.warmup = 2, .iterations = 9, .rounds = 3};
  std::vector<Measured> measured(1);
  EXPECT_THROW(measure(points, protocol, measured), Error);
  ASSERT_EQ(measured[0].turns.size(), 2u);  // 2 to warm up, 3, 1 to warm up, 3; the third turn broke off
  const auto before = measured[0].turns;
  measure(points, protocol, measured);
  ASSERT_EQ(measured[0].turns.size(), 3u);
  EXPECT_EQ(measured[0].turns[0], before[0]);
  EXPECT_EQ(measured[0].turns[1], before[1]);
  EXPECT_EQ(measured[0].turns[2].size(), 3u);
  EXPECT_EQ(runs, 12 + 2 + 3);
}

TEST(Measure, EnginesAreMadeAnewBetweenSittingsAndWarmedAgain) {
  std::string order;
  std::vector<Point> points{timed([&] { order += 'a'; })};
  std::vector<Measured> measured(1);
  int renewals = 0;
  MeasureHooks hooks;
  hooks.renew = [&] {
    ++renewals;
    points[0] = timed([&, letter = static_cast<char>('a' + renewals)] { order += letter; });
    return true;
  };
  measure(points, {.warmup = 3, .iterations = 4, .rounds = 4, .sittings = 2}, measured, hooks);
  // Three to warm up and a timed one; one to warm the caches and a timed one; made anew, the first use and two to warm.
  EXPECT_EQ(order,
            "aaaa"
            "aa"
            "bbbb"
            "bb");
  EXPECT_EQ(measured[0].sitting, (std::vector<int>{0, 0, 1, 1}));
  EXPECT_NE(describe({}, measured).find("made anew between 2 sittings"), std::string::npos);
}

TEST(Measure, WhatTakesTooLongToMakeAnewStays) {
  const std::vector<Point> points{timed([] {})};
  std::vector<Measured> measured(1);
  measure(points, {.iterations = 10, .rounds = 10}, measured, {{}, {}, [] { return false; }});
  EXPECT_EQ(measured[0].sitting, std::vector<int>(10, 0));
  EXPECT_EQ(independent_runs(measured[0]).size(), 10U);  // turns, as there is one sitting
  EXPECT_EQ(describe({}, measured).find("anew"), std::string::npos);
}

TEST(Measure, APointOfFewRunsHasOneInEverySitting) {
  const std::vector<Point> points{timed([] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); })};
  std::vector<Measured> measured(1);
  measure(points, {.iterations = 100, .rounds = 10, .sittings = 5, .seconds = 0.01}, measured,
          {{}, {}, [] { return true; }});
  const auto runs = independent_runs(measured[0]);
  ASSERT_EQ(runs.size(), 5U);
  for (const auto& sitting : runs) EXPECT_EQ(sitting.size(), 1U);
}

TEST(Measure, WhatWasInterruptedGoesOnInASittingOfItsOwn) {
  const std::vector<Point> points{timed([] {})};
  std::vector<Measured> measured(1);
  measured[0].turns = {{1}, {1}};
  measured[0].sitting = {0, 0};
  measured[0].wanted = 4;
  measure(points, {.iterations = 4, .rounds = 4, .sittings = 1}, measured);
  EXPECT_EQ(measured[0].sitting, (std::vector<int>{0, 0, 1, 1}));
}

TEST(Measure, EnergyIsCountedOverTheTimedRuns) {
  double joules = 0;
  const std::vector<Point> points{timed([&] { joules += 2; })};
  std::vector<Measured> measured(1);
  measure(points, {.warmup = 5, .iterations = 10, .rounds = 2}, measured,
          {{}, [&] { return std::optional(joules); }, {}});
  EXPECT_EQ(measured[0].joules, 20);
  EXPECT_EQ(measured[0].runs, 10);
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

TEST(Noise, AClockThatMovesIsNamedAndStragglersAreNot) {
  std::vector<double> readings(40, 3.0);
  readings[7] = 1.2;
  EXPECT_TRUE(clock_noise(readings).empty());
  for (std::size_t i = 0; i < 10; ++i) readings[i] = 2.5;
  EXPECT_EQ(clock_noise(readings),
            (std::vector<std::string>{"The machine was not quiet: its clock moved between 2.50 and 3.00 GHz."}));
  EXPECT_TRUE(clock_noise({}).empty());
}

TEST(Noise, TheClockOfThisMachineIsPlausible) {
  const double clock = clock_ghz();
  EXPECT_GT(clock, 0.3);
  EXPECT_LT(clock, 8);
}

}  // namespace
}  // namespace halftone
