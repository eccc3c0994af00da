#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>

#include "apps/verb.h"
#include "base/error.h"
#include "base/interrupt.h"

namespace halftone {
#define HALFTONE_VERB(function) void function(CLI::App& app);
#include "apps/verbs.def"
#undef HALFTONE_VERB
}  // namespace halftone

namespace {

using namespace halftone;

/// A standard stream that the caller closed would lend its number to the first file opened.
void fill_standard_streams() {
  for (int stream = 0; stream < 3; ++stream)
    if (::fcntl(stream, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) < 0) std::_Exit(exit_code(Code::io));
}

int report(std::string message, int status) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fprintf(stderr, "halftone: %s\n", message.c_str());
  return status;
}

/// "eval: --data is required (see `halftone eval --help`)".
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  const auto verbs = app.get_subcommands();
  if (const auto words = app.remaining(); verbs.empty() && !words.empty() && !words.front().starts_with('-'))
    return fmt::format("there is no verb '{}' (see `halftone --help`)", words.front());
  const std::string verb = verbs.empty() ? "" : verbs.front()->get_name();
  return fmt::format("{}{}{} (see `halftone {}{}--help`)", verb, verb.empty() ? "" : ": ", error.what(), verb,
                     verb.empty() ? "" : " ");
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report(usage_message(app, error), exit_code(Code::invalid_argument));
    app.exit(error);
  }
  if (std::fflush(stdout) != 0) fail(Code::io, "standard output: cannot write: {}", std::strerror(errno));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_streams();
  for (const int signal :
       {SIGPIPE, SIGXFSZ})  // a gone reader or a full quota is an error to report, not a sudden death
    std::signal(signal, SIG_IGN);
  install_interrupt_handler();
  CLI::App app{
      "halftone: an ONNX model at the lowest precision that keeps its accuracy, on the fastest kernels for this "
      "machine, measured honestly"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "The help of every verb");
  app.footer("Example: halftone study resnet50.onnx --data val/ --calib calib/ --preprocess torchvision");
#define HALFTONE_VERB(function) function(app);
#include "apps/verbs.def"
#undef HALFTONE_VERB
  try {
    return run(app, argc, argv);
  } catch (const Error& error) {
    return report(error.what(), exit_code(error.code()));
  } catch (const std::bad_alloc&) {
    return report("out of memory", exit_code(Code::resource_exhausted));
  } catch (const std::filesystem::filesystem_error& error) {
    return report(fmt::format("{}: {}", error.path1().string(), error.code().message()), exit_code(Code::io));
  } catch (const std::system_error& error) {  // what printing throws
    return report(fmt::format("standard output: {}", error.what()), exit_code(Code::io));
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}
