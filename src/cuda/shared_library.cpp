#include "cuda/shared_library.h"

#include <dlfcn.h>

#include "base/error.h"

namespace halftone::cuda {

SharedLibrary::SharedLibrary(std::string what, const std::vector<std::string>& files) : what_(std::move(what)) {
  std::string reason;
  for (const auto& file : files) {
    handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_) {
      file_ = file;
      return;
    }
    const char* said = dlerror();
    if (reason.empty()) reason = said ? said : file;
  }
  fail(Code::not_found, "{} cannot be loaded: {} (LD_LIBRARY_PATH can name its folder)", what_, reason);
}

void* SharedLibrary::address(const char* name) const {
  void* found = dlsym(handle_, name);
  if (!found) fail(Code::not_found, "{} ({}) has no function {}: is it another version?", what_, file_, name);
  return found;
}

}  // namespace halftone::cuda
