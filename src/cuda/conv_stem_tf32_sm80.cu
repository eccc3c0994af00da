#include "cuda/conv_stem.cuh"

namespace halftone::cuda::stem {

cudaError_t launch_tf32(const StemParams& p, cudaStream_t stream) { return launch<Tf32, Tf32, float>(p, stream); }

}  // namespace halftone::cuda::stem
