#include "bench/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/file.h"

namespace halftone {
namespace {

class CheckpointFile : public ::testing::Test {
 protected:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("halftone-checkpoint-" + std::to_string(::getpid()) + ".part");
  ~CheckpointFile() override { std::filesystem::remove(path_); }
  void write_one() {
    Checkpoint checkpoint(path_, "this");
    Measured measured;
    measured.turns = {{1.5, 2.25}, {}, {0.1}};
    measured.sitting = {0, 0, 1};
    measured.wanted = 30;
    measured.warmup = 4;
    measured.shortened = true;
    measured.joules = 12.5;
    measured.runs = 3;
    checkpoint.put("a point", measured);
    checkpoint.put("one not begun", {});
    checkpoint.save();
  }
};

TEST_F(CheckpointFile, BringsBackWhatWasPut) {
  write_one();
  const Checkpoint again(path_, "this");
  EXPECT_TRUE(again.resumed());
  EXPECT_EQ(again.refusal(), "");
  const auto back = again.find("a point");
  EXPECT_EQ(back.turns, (std::vector<std::vector<double>>{{1.5, 2.25}, {}, {0.1}}));
  EXPECT_EQ(back.sitting, (std::vector<int>{0, 0, 1}));
  EXPECT_EQ(back.wanted, 30);
  EXPECT_EQ(back.warmup, 4);
  EXPECT_TRUE(back.shortened);
  EXPECT_EQ(back.joules, 12.5);
  EXPECT_EQ(back.runs, 3);
  EXPECT_TRUE(again.find("one not begun").turns.empty());
  EXPECT_TRUE(again.find("unknown").turns.empty());
}

TEST_F(CheckpointFile, OfAnotherMeasurementIsNotTakenUp) {
  write_one();
  const Checkpoint other(path_, "that");
  EXPECT_FALSE(other.resumed());
  EXPECT_NE(other.refusal().find("of another measurement"), std::string::npos);
  EXPECT_TRUE(other.find("a point").turns.empty());
}

TEST_F(CheckpointFile, CutShortAnywhereIsRefusedAndNeverHalfRead) {
  write_one();
  const auto whole = read_file(path_);
  for (std::size_t length = 0; length + 2 < whole.size(); length += 3) {
    write_file(path_, whole.substr(0, length));
    const Checkpoint cut(path_, "this");
    EXPECT_FALSE(cut.resumed()) << length;
    EXPECT_NE(cut.refusal(), "") << length;
  }
  write_file(path_, R"({"unfinished": 2, "identity": "this", "points": [{"point": "a", "wanted": "many"}]})");
  EXPECT_NE(Checkpoint(path_, "this").refusal().find("points[0]: 'wanted' is not an integer"), std::string::npos);
}

TEST_F(CheckpointFile, GoesWhenTheWorkIsDoneAndIsNotThereWithoutAPath) {
  write_one();
  Checkpoint checkpoint(path_, "this");
  checkpoint.discard();
  EXPECT_FALSE(std::filesystem::exists(path_));
  Checkpoint none({}, "this");
  none.put("a point", {{{1.0}}, {0}, 1, 1, false, 0, 0});
  none.save();
  none.discard();
  Checkpoint nowhere("/no/such/folder/x.part", "this");
  nowhere.put("a point", {{{1.0}}, {0}, 1, 1, false, 0, 0});
  EXPECT_THROW(nowhere.save(), Error);
}

}  // namespace
}  // namespace halftone
