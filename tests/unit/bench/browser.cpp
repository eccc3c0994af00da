#include "tests/unit/bench/browser.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>

namespace halftone::tests {

std::string browser() {
  for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"})
    if (std::filesystem::exists(path)) return path;
  return "";
}

std::string dump(const std::filesystem::path& page, int width, int milliseconds) {
  const auto command = fmt::format(
      "timeout 120 {} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
      "--allow-file-access-from-files --user-data-dir='{}' --window-size={},900 --virtual-time-budget={} --dump-dom "
      "'file://{}' 2>/dev/null",
      browser(), (page.parent_path() / "profile").string(), width, milliseconds, page.string());
  std::string text;
  if (std::FILE* pipe = ::popen(command.c_str(), "r")) {
    std::array<char, 65536> piece;
    while (const auto got = std::fread(piece.data(), 1, piece.size(), pipe)) text.append(piece.data(), got);
    ::pclose(pipe);
  }
  return text;
}

}  // namespace halftone::tests
