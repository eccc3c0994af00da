#pragma once
#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halftone {

/// A program that is spoken to over its standard input and output. What it says on stderr is dropped. It has a process
/// group of its own, so that Ctrl-C is not for it; it should end when its input does.
class Child {
 public:
  /// `program` is looked for on PATH. Throws not_found where it cannot be started.
  Child(const std::string& program, const std::vector<std::string>& arguments);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Closes its input, waits a second, and kills what is left.
  ~Child();

  /// Both throw device, saying how it ended, once the other side is gone.
  void write(std::string_view bytes);
  std::string read_line();
  void read(std::span<std::byte> bytes);

  /// Processor time it has used so far.
  double cpu_seconds() const;

 private:
  std::size_t read_some(char* to, std::size_t most);
  [[noreturn]] void gone();
  std::string program_;
  pid_t pid_ = -1;
  int input_ = -1, output_ = -1;
  std::string buffer_;
};

}  // namespace halftone
