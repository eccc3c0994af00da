#include "cuda/capability.h"

#include <cuda_runtime.h>

#include <array>
#include <atomic>

namespace halftone::cuda {
namespace {

constexpr int kDevices = 64;

__global__ void probe_kernel() {}

}  // namespace

int code_capability() {
  static std::array<std::atomic<int>, kDevices> known{};
  int device = 0;
  if (cudaGetDevice(&device) != cudaSuccess || device >= kDevices) return 0;
  auto& capability = known[static_cast<std::size_t>(device)];
  if (capability.load(std::memory_order_relaxed) == 0) {
    cudaFuncAttributes attributes{};
    if (cudaFuncGetAttributes(&attributes, probe_kernel) == cudaSuccess) capability = attributes.ptxVersion;
    cudaGetLastError();
  }
  return capability;
}

}  // namespace halftone::cuda
