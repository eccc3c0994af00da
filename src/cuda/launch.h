#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

namespace halftone::cuda {

/// Notes that a kernel which lets the next one start early is launched on `stream`. Returns whether it may itself start
/// before the one ahead of it is through: the current device runs code that waits for that.
bool begin_overlap(cudaStream_t stream);

/// What this thread launches next on `stream` starts when all before is through. Called ahead of what libraries launch:
/// kernels of cuDNN were seen to read what kernels of ours had still to write.
cudaError_t end_overlap(cudaStream_t stream);

/// Launches a kernel that may start before the one ahead of it in the stream is through, so each of its threads calls
/// await_earlier() (dependency.cuh).
template <typename... Parameters, typename... Arguments>
cudaError_t launch_overlapping(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                               cudaStream_t stream, Arguments&&... arguments) {
  cudaLaunchAttribute overlaps{};
  overlaps.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlaps.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = &overlaps;
  config.numAttrs = begin_overlap(stream) ? 1 : 0;
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
  cudaGetLastError();
  return error;
}

}  // namespace halftone::cuda
