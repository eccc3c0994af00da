#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace halftone {

int exit_code(Code code) {
  switch (code) {
    case Code::invalid_argument: return 2;
    case Code::invalid_model: return 3;
    case Code::unsupported: return 4;
    case Code::not_found:
    case Code::io: return 5;
    case Code::resource_exhausted: return 6;
    case Code::device: return 7;
    case Code::cancelled: return 130;
  }
  return 1;
}

const char* name(Code code) {
  switch (code) {
    case Code::invalid_argument: return "invalid_argument";
    case Code::invalid_model: return "invalid_model";
    case Code::unsupported: return "unsupported";
    case Code::not_found: return "not_found";
    case Code::io: return "io";
    case Code::resource_exhausted: return "resource_exhausted";
    case Code::device: return "device";
    case Code::cancelled: return "cancelled";
  }
  return "unknown";
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "halftone: internal error: %s does not hold (%s:%d); please report it\n", condition, file, line);
  std::abort();
}

}  // namespace halftone
