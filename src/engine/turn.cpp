#include "engine/turn.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/interrupt.h"

namespace halftone {

Turn::Turn(const std::filesystem::path& file, bool interruptible) {
  if (file.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) return;
  while (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (interruptible) check_interrupted();
    ::usleep(300);
  }
}

Turn::~Turn() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace halftone
