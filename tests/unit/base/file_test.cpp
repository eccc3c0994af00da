#include "base/file.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <thread>

#include <thread>
#include <vector>

#include "base/error.h"

namespace halftone {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "halftone-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }
  fs::path folder;
};

TEST_F(FileTest, ReplacesWholeFilesAndFollowsLinks) {
  write_file(folder / "file", "one");
  fs::create_symlink("file", folder / "link");
  write_file(folder / "link", "two");
  EXPECT_EQ(read_file(folder / "file"), "two");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(entries(), 2U);
}

TEST_F(FileTest, WritesIntoADeviceInsteadOfReplacingIt) {
  if (!fs::is_character_file("/dev/null")) GTEST_SKIP() << "there is no /dev/null";
  fs::create_symlink("/dev/null", folder / "nothing");
  write_file(folder / "nothing", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fs::is_symlink(folder / "nothing"));
}

TEST_F(FileTest, WritesAllOfSeveralFilesOrNone) {
  write_file(folder / "first", "old");
  const std::vector<FileContent> files{{folder / "first", "new"}, {folder / "no" / "second", "new"}};
  EXPECT_THROW(write_files(files), Error);
  EXPECT_EQ(read_file(folder / "first"), "old");
  EXPECT_EQ(entries(), 1U);
  write_files(std::vector<FileContent>{{folder / "first", "new"}, {folder / "second", "newer"}});
  EXPECT_EQ(read_file(folder / "first"), "new");
  EXPECT_EQ(read_file(folder / "second"), "newer");
}

TEST_F(FileTest, IsWholeWhenThreadsWriteItAtOnce) {
  const std::string long_text(1 << 20, 'a'), short_text(10, 'b');
  for (int round = 0; round < 20; ++round) {
    std::thread other([&] { write_file(folder / "shared", short_text); });
    write_file(folder / "shared", long_text);
    other.join();
    const auto text = read_file(folder / "shared");
    EXPECT_TRUE(text == long_text || text == short_text) << text.size();
  }
}

TEST_F(FileTest, AsksBeforehandWithoutATrace) {
  check_writable(folder / "file");
  EXPECT_EQ(entries(), 0U);
  write_file(folder / "file", "kept");
  check_writable(folder / "file");
  EXPECT_EQ(read_file(folder / "file"), "kept");
  EXPECT_THROW(check_writable(folder), Error);
  EXPECT_THROW(check_writable(folder / "no" / "file"), Error);
}

}  // namespace
}  // namespace halftone
