#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace halftone {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) fail(Code::not_found, "{}: no such file", path.string());
    fail(Code::io, "{}: cannot open: {}", path.string(), std::strerror(errno));
  }
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) fail(Code::io, "{}: cannot stat: {}", path.string(), std::strerror(errno));
  if (S_ISDIR(info.st_mode)) fail(Code::io, "{}: is a directory, not a file", path.string());
  if (static_cast<std::size_t>(info.st_size) > limit)
    fail(Code::resource_exhausted, "{}: {} bytes, over the limit of {}", path.string(), info.st_size, limit);
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(info.st_size));
  bytes.resize(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (true) {
    if (done == bytes.size()) {  // a pipe or /proc file has no size: grow until the end
      char more[65536];
      const ssize_t got = ::read(file.fd, more, sizeof more);
      if (got == 0) break;
      if (got < 0) fail(Code::io, "{}: cannot read: {}", path.string(), std::strerror(errno));
      bytes.append(more, static_cast<std::size_t>(got));
      done = bytes.size();
      if (done > limit) fail(Code::resource_exhausted, "{}: over the limit of {} bytes", path.string(), limit);
      continue;
    }
    const ssize_t got = ::read(file.fd, bytes.data() + done, bytes.size() - done);
    if (got < 0) fail(Code::io, "{}: cannot read: {}", path.string(), std::strerror(errno));
    if (got == 0) {
      bytes.resize(done);
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::string temporary = path.string() + fmt::format(".tmp{}", ::getpid());
  const auto give_up = [&](const char* what, int error) {
    ::unlink(temporary.c_str());
    fail(Code::io, "{}: cannot {}: {}", path.string(), what, std::strerror(error));
  };
  if (std::filesystem::is_directory(path)) fail(Code::io, "{}: is a directory, not a file", path.string());
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (file.fd < 0) fail(Code::io, "{}: cannot create: {}", path.string(), std::strerror(errno));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(file.fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0) give_up("write", errno);
    done += static_cast<std::size_t>(wrote);
  }
  if (::fsync(file.fd) != 0 && errno != EINVAL && errno != EROFS) give_up("flush", errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) give_up("rename into place", errno);
}

}  // namespace halftone
