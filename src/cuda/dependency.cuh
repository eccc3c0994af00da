#pragma once

/// Kernels of a stream overlap: one starts when all blocks of the one before have said so, not when they are through.
namespace halftone::cuda {

/// Until every earlier kernel of the stream is through and what it wrote can be read. Every thread of a kernel that
/// launch_overlapping() starts calls it, and before it touches only what no kernel writes: constants, and its own
/// shared memory. What is read after it is no constant to the compiler either: no __ldg.
__device__ __forceinline__ void await_earlier() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// The next kernel of the stream may start its blocks wherever there is room, once all blocks of this one have come
/// here.
__device__ __forceinline__ void release_next() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

}  // namespace halftone::cuda
