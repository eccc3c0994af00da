#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.h"

namespace halftone {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

/// A file under a temporary name beside its own, which it takes at commit(); without that it goes.
class StagedFile {
 public:
  explicit StagedFile(const std::filesystem::path& path) : path_(path), target_(path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::is_directory(status)) fail(Code::io, "{}: is a directory, not a file", path.string());
    in_place_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
    if (std::filesystem::is_symlink(path, error)) target_ = std::filesystem::weakly_canonical(path, error);
    static std::atomic<unsigned> made = 0;  // threads may write one file at once
    if (!in_place_) temporary_ = target_.string() + fmt::format(".tmp{}.{}", ::getpid(), ++made);
    file_.fd = ::open(in_place_ ? path_.c_str() : temporary_.c_str(),
                      O_WRONLY | O_CLOEXEC | (in_place_ ? O_NONBLOCK : O_CREAT | O_TRUNC), 0644);
    if (file_.fd < 0) fail(Code::io, "{}: cannot create: {}", path.string(), std::strerror(errno));
    if (in_place_) ::fcntl(file_.fd, F_SETFL, 0);  // opening a pipe without a reader must not wait, writing may
  }
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;
  ~StagedFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  void write(std::string_view bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t wrote = ::write(file_.fd, bytes.data() + done, bytes.size() - done);
      if (wrote < 0) give_up("write");
      done += static_cast<std::size_t>(wrote);
    }
    if (!in_place_ && ::fsync(file_.fd) != 0 && errno != EINVAL && errno != EROFS) give_up("flush");
  }

  void commit() {
    if (in_place_) return;
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) give_up("rename into place");
    temporary_.clear();
  }

 private:
  [[noreturn]] void give_up(const char* what) {
    fail(Code::io, "{}: cannot {}: {}", path_.string(), what, std::strerror(errno));
  }

  std::filesystem::path path_, target_;
  std::string temporary_;  ///< empty: nothing to take away
  bool in_place_ = false;
  Descriptor file_{-1};
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
  StagedFile file(path);
  file.write(bytes);
  file.commit();
}

void write_files(std::span<const FileContent> files) {
  std::vector<std::unique_ptr<StagedFile>> staged;
  for (const auto& [path, bytes] : files) {
    staged.push_back(std::make_unique<StagedFile>(path));
    staged.back()->write(bytes);
  }
  for (const auto& file : staged) file->commit();
}

void check_writable(const std::filesystem::path& path) { StagedFile file(path); }

}  // namespace halftone
