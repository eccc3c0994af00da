#include "base/progress.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

namespace halftone {
namespace {

std::string contents(std::FILE* file) {
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(Progress, AFileGetsOneLineForAShortJob) {
  std::FILE* file = std::tmpfile();
  EXPECT_EQ(terminal_width(file), 0);
  {
    Progress progress("decoding", 8000, false, file);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int step = 0; step < 2000; ++step) progress.advance();
      });
    for (auto& thread : threads) thread.join();
    progress.say("batch 8");
  }
  const auto text = contents(file);
  EXPECT_EQ(text.substr(0, 20), "decoding 8000/8000, ");
  EXPECT_EQ(text.substr(text.size() - 12), " s, batch 8\n");
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  std::fclose(file);
}

TEST(Progress, QuietSaysNothing) {
  std::FILE* file = std::tmpfile();
  {
    Progress progress("decoding", 10, true, file);
    progress.advance(10);
  }
  EXPECT_EQ(contents(file), "");
  std::fclose(file);
}

}  // namespace
}  // namespace halftone
