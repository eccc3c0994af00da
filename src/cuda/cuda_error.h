#pragma once
#include <cuda_runtime.h>

#include <string_view>

namespace halftone::cuda {

/// Throws device (resource_exhausted where memory ran out), saying what was being done and what CUDA says.
void check(cudaError_t error, std::string_view doing);

}  // namespace halftone::cuda
