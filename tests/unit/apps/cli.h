#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace halftone::tests {

/// What a run of the binary left behind.
struct Outcome {
  int status = 0;  ///< exit code, or minus the signal that ended it
  std::string out, err;
};

enum class Stdout { file, full_device, gone_reader, closed };

struct RunOptions {
  Stdout to = Stdout::file;
  std::size_t largest_file = 0;  ///< bytes any file may have, as a full disk would stop it; 0: no limit
  /// Called every few milliseconds with what stderr holds; once true, the process gets SIGINT.
  std::function<bool(std::string_view err)> interrupt_when;
};

/// A folder of its own for each test, which also holds the tactic cache.
class Cli : public ::testing::Test {
 protected:
  Cli();
  ~Cli() override;

  std::filesystem::path path(std::string_view name) const { return folder_ / name; }
  std::string text(std::string_view name) const { return path(name).string(); }
  /// Runs `halftone ARGUMENTS` to its end.
  Outcome halftone(const std::vector<std::string>& arguments, const RunOptions& options = {}) const;
  /// Runs it and expects exit code 0.
  std::string succeed(const std::vector<std::string>& arguments) const;
  /// Runs it and expects nothing on stdout, this exit code, and one line on stderr that holds each of the words.
  void refuse(const std::vector<std::string>& arguments, int status, const std::vector<std::string>& words,
              const RunOptions& options = {}) const;

  /// A folder of `count` gray 28x28 pictures 0.pgm, 1.pgm …, with a labels.txt of their numbers modulo 10.
  std::string pictures(std::string_view name, int count) const;
  /// An IDX file of `count` such pictures, with labels beside it.
  std::string idx(std::string_view name, int count) const;

 private:
  std::filesystem::path folder_;
};

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, std::string_view bytes);
/// Names of what lies in a folder, sorted.
std::vector<std::string> listing(const std::filesystem::path& folder);
/// The network on Fashion-MNIST that comes with the sources.
std::string example_model();
/// Debian's Fashion-MNIST, empty where it is not installed.
std::string fashion_mnist();

}  // namespace halftone::tests
