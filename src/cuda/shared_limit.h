#pragma once
#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace halftone::cuda {

/// Lets a kernel's blocks have `bytes` of dynamic shared memory on the current device; asks each device once, as
/// `allowed` (one a kernel, zero at first) remembers.
template <typename Kernel>
cudaError_t allow_shared(Kernel* kernel, int bytes, std::atomic<std::uint64_t>& allowed) {
  int device = 0;
  cudaError_t error = cudaGetDevice(&device);
  const std::uint64_t bit = std::uint64_t{1} << (device % 64);
  if (error != cudaSuccess || (allowed.load(std::memory_order_relaxed) & bit) != 0) return error;
  error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error == cudaSuccess) allowed.fetch_or(bit, std::memory_order_relaxed);
  return error;
}

/// The same with all that the device gives a block; for kernels without static shared memory.
template <typename Kernel>
cudaError_t allow_all_shared(Kernel* kernel, std::atomic<std::uint64_t>& allowed) {
  int device = 0;
  int most = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  return error == cudaSuccess ? allow_shared(kernel, most, allowed) : error;
}

/// Blocks of a kernel that the current device runs at once; at least one a multiprocessor is taken to fit.
template <typename Kernel>
cudaError_t blocks_at_once(Kernel* kernel, int threads, std::size_t bytes, int& blocks) {
  int device = 0;
  int processors = 0;
  int resident = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (error == cudaSuccess) error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, kernel, threads, bytes);
  blocks = processors * std::max(resident, 1);
  return error;
}

}  // namespace halftone::cuda
