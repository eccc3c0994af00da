#include "cuda/spin.h"

namespace halftone::cuda {
namespace {

__global__ void spin_kernel(long long nanoseconds) {
  long long start = 0;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start));
  long long now = start;
  while (now - start < nanoseconds) asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
}

}  // namespace

cudaError_t spin(int microseconds, cudaStream_t stream) {
  spin_kernel<<<1, 1, 0, stream>>>(1000LL * microseconds);
  return cudaGetLastError();
}

}  // namespace halftone::cuda
