#pragma once
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

namespace halftone {

/// Columns of the terminal behind `stream`; 0 where it is none.
int terminal_width(std::FILE* stream);

/// Tells a person on `stream` how far a job is: on a terminal one line, redrawn at most ten times a second; elsewhere a
/// line every ten seconds and one at the end. Says nothing when quiet. Thread-safe.
class Progress {
 public:
  /// `total` steps are expected; 0 where that is not known.
  Progress(std::string label, std::int64_t total, bool quiet = false, std::FILE* stream = stderr);
  /// Writes the last line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t steps = 1);
  /// A few words after the count: "int8 batch 8".
  void say(std::string detail);

 private:
  void show(bool last);
  std::string line(double seconds) const;

  std::mutex mutex_;
  std::string label_, detail_;
  std::int64_t total_, done_ = 0;
  bool quiet_;
  std::FILE* stream_;
  int width_;
  double begin_, shown_;
};

}  // namespace halftone
