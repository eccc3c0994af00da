// Replays the fuzzer's corpus, and every prefix of it, through the fuzz target.
#include "tests/fuzz/image_fuzz.cpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace halftone {
namespace {

TEST(FuzzReplay, Image) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HALFTONE_SOURCE_DIR "/tests/fuzz/corpus/image")) {
    const std::string bytes = read_file(entry.path());
    for (std::size_t size = 0; size <= bytes.size(); ++size)
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), size);
    EXPECT_NO_THROW(read_any(bytes)) << entry.path() << " should be sound";
    ++files;
  }
  EXPECT_GE(files, 20);
}

}  // namespace
}  // namespace halftone
