#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <string_view>

namespace halftone::cuda {

/// Throws device (resource_exhausted where memory ran out): which device, what was being done, what CUDA says, and
/// whether this process can go on using it.
void check(cudaError_t error, std::string_view doing);

/// Whether after this error nothing of the process can run on the device any more.
bool is_final(cudaError_t error);

/// Throws resource_exhausted: the device, what was asked for (0: not known) and what is free.
[[noreturn]] void out_of_memory(int device, std::size_t bytes);

}  // namespace halftone::cuda
