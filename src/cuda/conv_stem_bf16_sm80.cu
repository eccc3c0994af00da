#include "cuda/conv_stem.cuh"

namespace halftone::cuda::stem {

cudaError_t launch_bf16(const StemParams& p, cudaStream_t stream) { return launch_half<__nv_bfloat16>(p, stream); }

}  // namespace halftone::cuda::stem
