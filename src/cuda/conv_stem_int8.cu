#include "cuda/conv_stem.cuh"

namespace halftone::cuda::stem {

cudaError_t launch_int8(const StemParams& p, cudaStream_t stream) {
  return p.bytes ? launch<int8_t, uint8_t, int8_t>(p, stream) : launch<int8_t, int8_t, int8_t>(p, stream);
}

}  // namespace halftone::cuda::stem
