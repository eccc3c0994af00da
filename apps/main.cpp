#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>

#include "apps/verb.h"
#include "base/error.h"
#include "base/interrupt.h"

namespace halftone {
#define HALFTONE_VERB(function) void function(CLI::App& app);
#include "apps/verbs.def"
#undef HALFTONE_VERB
}  // namespace halftone

int main(int argc, char** argv) {
  using namespace halftone;
  install_interrupt_handler();
  CLI::App app{
      "halftone: an ONNX model at the lowest precision that keeps its accuracy, on the fastest kernels for this "
      "machine, measured honestly"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "The help of every verb");
#define HALFTONE_VERB(function) function(app);
#include "apps/verbs.def"
#undef HALFTONE_VERB
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_code(Code::invalid_argument);
  } catch (const Error& error) {
    std::fprintf(stderr, "halftone: %s\n", error.what());
    return exit_code(error.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "halftone: out of memory\n");
    return exit_code(Code::resource_exhausted);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "halftone: %s\n", error.what());
    return 1;
  }
}
