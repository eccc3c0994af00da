#include "engine/turn.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace halftone {
namespace {

TEST(Turn, TheSecondWaitsForTheFirst) {
  const auto file = std::filesystem::path(testing::TempDir()) / "halftone_turn_test" / "turn";
  auto first = std::make_unique<Turn>(file);
  std::atomic<bool> has_turn{false};
  std::thread other([&] {
    const Turn second(file);
    has_turn = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(has_turn);
  first.reset();
  other.join();
  EXPECT_TRUE(has_turn);
  std::filesystem::remove_all(file.parent_path());
}

TEST(Turn, NobodyWaitsWithoutAFile) { const Turn none{{}}, nowhere("/proc/there/is/no/such/folder/turn"); }

}  // namespace
}  // namespace halftone
