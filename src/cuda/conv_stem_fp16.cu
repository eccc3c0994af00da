#include "cuda/conv_stem.cuh"

namespace halftone::cuda::stem {

cudaError_t launch_fp16(const StemParams& p, cudaStream_t stream) { return launch_half<__half>(p, stream); }

}  // namespace halftone::cuda::stem
