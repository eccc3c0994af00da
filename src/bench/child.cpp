#include "bench/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace halftone {
namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(Code::resource_exhausted, "no pipe: {}", std::strerror(errno));
  }
  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  int take(std::size_t end) { return std::exchange(ends[end], -1); }
};

}  // namespace

Child::Child(const std::string& program, const std::vector<std::string>& arguments) : program_(program) {
  Pipe in, out;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t usual;
  sigemptyset(&usual);
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM}) sigaddset(&usual, signal);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  auto copies = arguments;
  std::vector<char*> argv{program_.data()};
  for (auto& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int error = ::posix_spawnp(&pid_, program_.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(Code::not_found, "cannot start '{}': {}", program, std::strerror(error));
  input_ = in.take(1);
  output_ = out.take(0);
}

Child::~Child() {
  ::close(input_);
  for (int i = 0; i < 100 && pid_ > 0; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
    else ::usleep(10000);
  }
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(output_);
}

void Child::gone() {
  int status = 0;
  const bool ended = ::waitpid(pid_, &status, 0) == pid_;
  pid_ = -1;
  if (ended && WIFSIGNALED(status)) fail(Code::device, "{} was ended by signal {}", program_, WTERMSIG(status));
  fail(Code::device, "{} ended with code {} before its work was done", program_, ended ? WEXITSTATUS(status) : -1);
}

void Child::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto wrote = ::write(input_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) gone();
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

std::size_t Child::read_some(char* to, std::size_t most) {
  while (true) {
    const auto got = ::read(output_, to, most);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0 || errno != EINTR) gone();
  }
}

std::string Child::read_line() {
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    std::array<char, 65536> more;
    buffer_.append(more.data(), read_some(more.data(), more.size()));
  }
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

void Child::read(std::span<std::byte> bytes) {
  auto* to = reinterpret_cast<char*>(bytes.data());
  std::size_t left = bytes.size();
  const auto kept = std::min(left, buffer_.size());
  std::copy_n(buffer_.begin(), kept, to);
  buffer_.erase(0, kept);
  for (left -= kept, to += kept; left > 0;) {
    const auto got = read_some(to, left);
    to += got;
    left -= got;
  }
}

double Child::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');  // the name, which may hold blanks, stands in brackets
  if (name_end == std::string::npos) return 0;
  std::istringstream words(text.substr(name_end + 1));
  std::string word;
  for (int i = 0; i < 11; ++i) words >> word;  // utime and stime are the 14th and 15th field (proc(5))
  double user = 0, system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace halftone
