#pragma once
#include <string>
#include <vector>

namespace halftone::cuda {

/// A library found when it is needed, so that a machine without it still runs everything else. Stays loaded.
class SharedLibrary {
 public:
  /// Loads the first of `files` that is there. Throws not_found, naming `what` and how the loader put it.
  SharedLibrary(std::string what, const std::vector<std::string>& files);
  /// Throws not_found where the library has no such function.
  template <typename Function>
  void find(Function& function, const char* name) const {
    function = reinterpret_cast<Function>(address(name));
  }

 private:
  void* address(const char* name) const;
  std::string what_, file_;
  void* handle_ = nullptr;
};

}  // namespace halftone::cuda
