#pragma once
#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>

namespace halftone {

/// What kind of failure an Error reports. The process exit code follows from it (exit_code()).
enum class Code {
  invalid_argument,    ///< a command line, a request or a value that makes no sense
  invalid_model,       ///< a file that is not what it claims to be, or a graph that does not hold together
  unsupported,         ///< understood, but there is no way to do it here
  not_found,           ///< a file, a device, a name that is not there
  io,                  ///< reading or writing failed (permissions, full disk, broken pipe)
  resource_exhausted,  ///< out of memory, or a claim too large to be believed
  device,              ///< a device failed while working
  cancelled,           ///< stopped by the user
};

/// The one exception type for whatever a model, a request or a machine can get wrong.
/// Our own bugs use ASSERT instead. what() is one line: what and where.
class Error : public std::exception {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  Code code() const { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }
  /// Puts "context: " before the message; layer borders call it while an error passes through.
  void add_context(std::string_view context) { message_ = fmt::format("{}: {}", context, message_); }

 private:
  Code code_;
  std::string message_;
};

/// Throws Error{code, formatted message}.
template <typename... Args>
[[noreturn]] void fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// The process exit code for an error: 2 bad argument, 3 bad model or data, 4 unsupported, 5 not found or i/o,
/// 6 out of resources, 7 device, 130 cancelled.
int exit_code(Code code);

/// The snake_case name of a code, for logs and JSON.
const char* name(Code code);

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace halftone

/// A condition that only a bug of ours can break; never reachable from input.
#define ASSERT(condition) ((condition) ? void() : ::halftone::assertion_failed(#condition, __FILE__, __LINE__))
