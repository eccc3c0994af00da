#include "engine/session_team.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <set>
#include <thread>

#include "cpu/cpu_backend.h"
#include "engine/measure.h"
#include "zoo/zoo.h"

namespace halftone {
namespace {

std::shared_ptr<const Engine> small_engine(int threads) {
  BuildOptions options;
  options.batches = {1};
  options.tune = false;
  options.cache.clear();
  options.threads = threads;
  return build(make_zoo("squeezenet1.1"), make_cpu_backend(), options);
}

TEST(SessionTeam, OneSessionStaysWithItsCaller) {
  SessionTeam team(small_engine(1), 1);
  std::thread::id where;
  team.run([&](Session&, int) { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(SessionTeam, SessionsHaveThreadsAndCoresOfTheirOwn) {
  const auto engine = small_engine(1);
  if (engine->backend()->info().cores < 2) GTEST_SKIP() << "needs two cores";
  SessionTeam team(engine, 2);
  ASSERT_EQ(team.size(), 2);
  std::array<cpu_set_t, 2> cores;
  std::array<std::thread::id, 2> first, second;
  std::atomic<int> here{0};
  team.run([&](Session&, int index) {
    ++here;
    while (here < 2) std::this_thread::yield();  // both at once, or never
    sched_getaffinity(0, sizeof(cpu_set_t), &cores[static_cast<std::size_t>(index)]);
    first[static_cast<std::size_t>(index)] = std::this_thread::get_id();
  });
  team.run([&](Session&, int index) { second[static_cast<std::size_t>(index)] = std::this_thread::get_id(); });
  EXPECT_EQ(first, second);
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[0], std::this_thread::get_id());
  cpu_set_t both;
  CPU_AND(&both, &cores[0], &cores[1]);
  EXPECT_EQ(CPU_COUNT(&both), 0);
  EXPECT_GT(CPU_COUNT(&cores[0]), 0);
}

TEST(SessionTeam, AnswersAreThoseOfASingleSession) {
  const auto engine = small_engine(1);
  if (engine->backend()->info().cores < 2) GTEST_SKIP() << "needs two cores";
  const auto inputs = random_inputs(engine->program(1));
  Session alone(engine);
  const auto expected = alone.run(inputs)[0].clone();
  SessionTeam team(engine, 2);
  std::array<int, 2> wrong{-1, -1};
  team.run([&](Session& session, int index) {
    int differing = 0;
    for (int i = 0; i < 5; ++i) {
      const auto outputs = session.run(inputs);
      differing += std::memcmp(outputs[0].raw(), expected.raw(), expected.bytes()) != 0;
    }
    wrong[static_cast<std::size_t>(index)] = differing;
  });
  EXPECT_EQ(wrong, (std::array<int, 2>{0, 0}));
}

TEST(SessionTeam, EnginesOfSeveralDevicesWorkAtOnce) {
  const std::vector<std::shared_ptr<const Engine>> engines{small_engine(1), small_engine(1)};
  if (engines[0]->backend()->info().cores < 2) GTEST_SKIP() << "needs two cores";
  const auto inputs = random_inputs(engines[0]->program(1));
  Session alone(engines[0]);
  const auto expected = alone.run(inputs)[0].clone();
  SessionTeam team(engines, 1);
  ASSERT_EQ(team.size(), 2);
  std::array<const Engine*, 2> used{};
  std::array<bool, 2> right{};
  std::atomic<int> here{0};
  team.run([&](Session& session, int index) {
    const auto at = static_cast<std::size_t>(index);
    ++here;
    while (here < 2) std::this_thread::yield();  // both at once, or never
    used[at] = &session.engine();
    right[at] = std::memcmp(session.run(inputs)[0].raw(), expected.raw(), expected.bytes()) == 0;
  });
  EXPECT_EQ(used, (std::array<const Engine*, 2>{engines[0].get(), engines[1].get()}));
  EXPECT_EQ(right, (std::array<bool, 2>{true, true}));
  std::vector<double> milliseconds;
  random_runs(team, 1)(3, milliseconds);
  EXPECT_EQ(milliseconds.size(), 6u);
  EXPECT_GT(host_to_host_rate(team.engines(), 1, 1, 0.05), 0);
}

TEST(SessionTeam, MeasuresEverySession) {
  const auto engine = small_engine(1);
  const int sessions = std::min(2, engine->backend()->info().cores);
  SessionTeam team(engine, sessions);
  std::vector<double> milliseconds;
  random_runs(team, 1)(3, milliseconds);
  EXPECT_EQ(milliseconds.size(), 3u * static_cast<std::size_t>(sessions));
  for (const double time : milliseconds) EXPECT_GT(time, 0);
}

TEST(SessionTeam, HandsOnWhatASessionThrows) {
  const auto engine = small_engine(1);
  SessionTeam team(engine, std::min(2, engine->backend()->info().cores));
  EXPECT_THROW(team.run([](Session&, int index) {
    if (index == 0) fail(Code::device, "broken");
  }),
               Error);
  int calls = 0;
  team.run([&](Session&, int index) { calls += index == 0; });
  EXPECT_EQ(calls, 1);
}

TEST(SessionTeam, MoreCoresThanThereAreIsRefused) {
  const auto backend = make_cpu_backend();
  const int cores = backend->info().cores;
  check_sessions(*backend, cores, 1);
  EXPECT_THROW(check_sessions(*backend, cores + 1, 1), Error);
  EXPECT_THROW(check_sessions(*backend, 0, 1), Error);
  EXPECT_THROW(SessionTeam(small_engine(cores), 2), Error);
}

}  // namespace
}  // namespace halftone
