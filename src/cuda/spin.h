#pragma once
#include <cuda_runtime.h>

namespace halftone::cuda {

/// Keeps the stream busy for about `microseconds`, so that what is queued behind runs back to back.
cudaError_t spin(int microseconds, cudaStream_t stream);

}  // namespace halftone::cuda
