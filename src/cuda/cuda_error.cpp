#include "cuda/cuda_error.h"

#include "base/error.h"

namespace halftone::cuda {

void check(cudaError_t error, std::string_view doing) {
  if (error == cudaSuccess) return;
  const cudaError_t last = cudaGetLastError();  // forgets it, unless it is final
  int device = 0;
  const bool known = cudaGetDevice(&device) == cudaSuccess;
  if (error == cudaErrorMemoryAllocation) out_of_memory(device, 0);
  if (is_final(last)) error = last;
  fail(Code::device, "{} failed ({}): {}{}", known ? fmt::format("cuda:{}", device) : "a CUDA device", doing,
       cudaGetErrorString(error), is_final(error) ? "; this process cannot use it any more" : "");
}

bool is_final(cudaError_t error) {
  switch (error) {  // those of which CUDA's documentation says that the process must be started anew
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed: return true;
    default: return false;
  }
}

void out_of_memory(int device, std::size_t bytes) {
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  cudaGetLastError();
  fail(Code::resource_exhausted, "cuda:{} is out of memory: {}{} of {} MB are free", device,
       bytes ? fmt::format("{} MB were asked for, ", (bytes >> 20) + 1) : "", free >> 20, total >> 20);
}

}  // namespace halftone::cuda
