#include "tests/unit/apps/cli.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace halftone::tests {
namespace {

namespace fs = std::filesystem;

/// Whether the process has a handler for SIGINT by now.
bool catches_interrupts(pid_t child) {
  std::istringstream status(read_text(fs::path("/proc") / std::to_string(child) / "status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (SIGINT - 1)) & 1;
  return false;
}

int open_stdout(Stdout to, const fs::path& file) {
  if (to == Stdout::full_device) return ::open("/dev/full", O_WRONLY);
  if (to == Stdout::file) return ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return -1;
  ::close(ends[0]);
  return ends[1];
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const RunOptions& options, const fs::path& folder) {
  ::setenv("HALFTONE_CACHE", (folder / "cache").c_str(), 1);
  std::signal(SIGINT, SIG_DFL);
  const int err = ::open((folder / "stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int out = open_stdout(options.to, folder / "stdout");
  if (err < 0 || out < 0 || ::dup2(err, 2) < 0 || ::dup2(out, 1) < 0) std::_Exit(99);
  ::close(err);
  ::close(out);
  if (options.to == Stdout::closed) ::close(1);
  if (options.largest_file > 0) {
    const rlimit limit{options.largest_file, options.largest_file};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::string binary = HALFTONE_BINARY;
  std::vector<char*> argv{binary.data()};
  auto copies = arguments;
  for (auto& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(binary.c_str(), argv.data());
  std::_Exit(98);
}

}  // namespace

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::vector<std::string> listing(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string example_model() { return HALFTONE_SOURCE_DIR "/examples/fashion_mnist/model.onnx"; }

std::string fashion_mnist() {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  return fs::exists(folder + "/t10k-images-idx3-ubyte.gz") ? folder : "";
}

Cli::Cli() {
  std::string name = (fs::temp_directory_path() / "halftone-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  folder_ = name;
  fs::create_directory(folder_ / "cache");
}

Cli::~Cli() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

Outcome Cli::halftone(const std::vector<std::string>& arguments, const RunOptions& options) const {
  const pid_t child = ::fork();
  if (child == 0) become(arguments, options, folder_);
  int status = 0;
  if (options.interrupt_when) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (::waitpid(child, &status, WNOHANG) == 0) {
      const bool late = std::chrono::steady_clock::now() > give_up;
      if (late || (catches_interrupts(child) && options.interrupt_when(read_text(folder_ / "stderr")))) {
        ::kill(child, late ? SIGKILL : SIGINT);
        ::waitpid(child, &status, 0);
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  } else {
    ::waitpid(child, &status, 0);
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), read_text(folder_ / "stdout"),
          read_text(folder_ / "stderr")};
}

std::string Cli::succeed(const std::vector<std::string>& arguments) const {
  const auto outcome = halftone(arguments);
  EXPECT_EQ(outcome.status, 0) << ::testing::PrintToString(arguments) << "\n" << outcome.err;
  return outcome.out;
}

void Cli::refuse(const std::vector<std::string>& arguments, int status, const std::vector<std::string>& words,
                 const RunOptions& options) const {
  SCOPED_TRACE(::testing::PrintToString(arguments));
  const auto outcome = halftone(arguments, options);
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("halftone: ")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  for (const auto& word : words)
    EXPECT_NE(outcome.err.find(word), std::string::npos) << "'" << word << "' is not in: " << outcome.err;
}

std::string Cli::pictures(std::string_view name, int count) const {
  fs::create_directories(path(name));
  std::string labels;
  for (int i = 0; i < count; ++i) {
    std::string pixels(28 * 28, '\0');
    for (std::size_t p = 0; p < pixels.size(); ++p)
      pixels[p] = static_cast<char>((p * 7 + static_cast<unsigned>(i) * 31) % 251);
    write_text(path(name) / (std::to_string(i) + ".pgm"), "P5\n28 28\n255\n" + pixels);
    labels += std::to_string(i) + ".pgm " + std::to_string(i % 10) + "\n";
  }
  write_text(path(name) / "labels.txt", labels);
  return text(name);
}

std::string Cli::idx(std::string_view name, int count) const {
  const auto big_endian = [](int number) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 255);
    return bytes;
  };
  fs::create_directories(path(name));
  const std::size_t pictures = static_cast<std::size_t>(count);
  write_text(path(name) / "t10k-images-idx3-ubyte", std::string("\0\0\x08\x03", 4) + big_endian(count) +
                                                        big_endian(28) + big_endian(28) +
                                                        std::string(pictures * 28 * 28, '\x40'));
  write_text(path(name) / "t10k-labels-idx1-ubyte",
             std::string("\0\0\x08\x01", 4) + big_endian(count) + std::string(pictures, '\3'));
  return text(name);
}

}  // namespace halftone::tests
