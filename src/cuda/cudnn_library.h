#pragma once
#include <cudnn.h>
#include <cudnn_backend.h>

#include <string>

namespace halftone::cuda {

/// The functions of cuDNN in use.
struct CudnnLibrary {
  decltype(&::cudnnGetVersion) get_version = nullptr;
  decltype(&::cudnnGetErrorString) error_string = nullptr;
  decltype(&::cudnnCreate) create = nullptr;
  decltype(&::cudnnDestroy) destroy = nullptr;
  decltype(&::cudnnSetStream) set_stream = nullptr;
  decltype(&::cudnnBackendCreateDescriptor) create_descriptor = nullptr;
  decltype(&::cudnnBackendDestroyDescriptor) destroy_descriptor = nullptr;
  decltype(&::cudnnBackendSetAttribute) set_attribute = nullptr;
  decltype(&::cudnnBackendGetAttribute) get_attribute = nullptr;
  decltype(&::cudnnBackendFinalize) finalize = nullptr;
  decltype(&::cudnnBackendExecute) execute = nullptr;
};

/// Loads that file. Throws not_found where there is none, or one of another major version than this build's headers.
CudnnLibrary load_cudnn(const std::string& file);

/// The machine's own, loaded at the first call. Throws as load_cudnn does.
const CudnnLibrary& cudnn_library();

}  // namespace halftone::cuda
