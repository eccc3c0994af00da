#include "cuda/cudnn_library.h"

#include "base/error.h"
#include "cuda/shared_library.h"

namespace halftone::cuda {

CudnnLibrary load_cudnn(const std::string& file) {
  const SharedLibrary library("cuDNN", {file});
  CudnnLibrary functions;
  library.find(functions.get_version, "cudnnGetVersion");
  const std::size_t version = functions.get_version();
  if (version / 10000 != CUDNN_MAJOR)
    fail(Code::not_found, "cuDNN ({}) is version {}, this build needs {}.x", file, version, CUDNN_MAJOR);
  library.find(functions.error_string, "cudnnGetErrorString");
  library.find(functions.create, "cudnnCreate");
  library.find(functions.destroy, "cudnnDestroy");
  library.find(functions.set_stream, "cudnnSetStream");
  library.find(functions.create_descriptor, "cudnnBackendCreateDescriptor");
  library.find(functions.destroy_descriptor, "cudnnBackendDestroyDescriptor");
  library.find(functions.set_attribute, "cudnnBackendSetAttribute");
  library.find(functions.get_attribute, "cudnnBackendGetAttribute");
  library.find(functions.finalize, "cudnnBackendFinalize");
  library.find(functions.execute, "cudnnBackendExecute");
  return functions;
}

const CudnnLibrary& cudnn_library() {
  static const CudnnLibrary functions = load_cudnn("libcudnn.so." + std::to_string(CUDNN_MAJOR));
  return functions;
}

}  // namespace halftone::cuda
