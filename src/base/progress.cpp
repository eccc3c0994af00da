#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"

namespace halftone {

int terminal_width(std::FILE* stream) {
  winsize size{};
  if (isatty(fileno(stream)) == 0 || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col > 0 ? size.ws_col : 80;
}

Progress::Progress(std::string label, std::int64_t total, bool quiet, std::FILE* stream)
    : label_(std::move(label)),
      total_(total),
      quiet_(quiet),
      stream_(stream),
      width_(terminal_width(stream)),
      begin_(now_seconds()),
      shown_(begin_) {
  if (!quiet_ && width_ > 0) show(false);
}

Progress::~Progress() {
  if (!quiet_) show(true);
}

void Progress::advance(std::int64_t steps) {
  const std::lock_guard lock(mutex_);
  done_ += steps;
  if (!quiet_ && now_seconds() - shown_ >= (width_ > 0 ? 0.1 : 10)) show(false);
}

void Progress::say(std::string detail) {
  const std::lock_guard lock(mutex_);
  detail_ = std::move(detail);
  if (!quiet_ && width_ > 0 && now_seconds() - shown_ >= 0.1) show(false);
}

std::string Progress::line(double seconds) const {
  auto text = label_;
  if (total_ > 0) text += fmt::format(" {}/{}", done_, total_);
  else if (done_ > 0) text += fmt::format(" {}", done_);
  if (done_ > 0 && done_ < total_ && seconds > 1)
    text += fmt::format(", {:.0f} s left", seconds / static_cast<double>(done_) * static_cast<double>(total_ - done_));
  else text += fmt::format(", {:.1f} s", seconds);
  if (!detail_.empty()) text += ", " + detail_;
  return text;
}

void Progress::show(bool last) {
  shown_ = now_seconds();
  auto text = line(shown_ - begin_);
  if (width_ == 0) {
    std::fprintf(stream_, "%s\n", text.c_str());
    return;
  }
  constexpr int kBar = 24;
  const int room = width_ - 1;
  if (total_ > 0 && static_cast<int>(text.size()) + kBar + 3 <= room) {
    const auto full = static_cast<std::size_t>(kBar * std::min(done_, total_) / total_);
    text = "[" + std::string(full, '#') + std::string(kBar - full, '.') + "] " + text;
  }
  if (static_cast<int>(text.size()) > room) text.resize(static_cast<std::size_t>(std::max(room, 0)));
  std::fprintf(stream_, "\r%s\033[K%s", text.c_str(), last ? "\n" : "");
  std::fflush(stream_);
}

}  // namespace halftone
