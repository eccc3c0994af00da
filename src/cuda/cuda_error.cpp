#include "cuda/cuda_error.h"

#include "base/error.h"

namespace halftone::cuda {

void check(cudaError_t error, std::string_view doing) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // forget it, so that a later call does not report it again
  fail(error == cudaErrorMemoryAllocation ? Code::resource_exhausted : Code::device, "CUDA: {}: {}", doing,
       cudaGetErrorString(error));
}

}  // namespace halftone::cuda
