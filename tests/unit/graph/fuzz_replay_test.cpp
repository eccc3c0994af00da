// Replays the fuzzer's corpus, and every prefix of it, through the fuzz target.
#include "tests/fuzz/problem_fuzz.cpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "tests/unit/graph/run.h"

namespace halftone {
namespace {

TEST(FuzzReplay, Problem) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HALFTONE_SOURCE_DIR "/tests/fuzz/corpus/problem")) {
    const std::string bytes = read_file(entry.path());
    for (std::size_t size = 0; size <= bytes.size(); ++size)
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), size);
    EXPECT_EQ(message_of([&] { (void)Problem::parse(bytes); }), "") << entry.path() << " should be sound";
    ++files;
  }
  EXPECT_GE(files, 90);
}

}  // namespace
}  // namespace halftone
