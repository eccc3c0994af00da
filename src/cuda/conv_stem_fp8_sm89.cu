#include "cuda/conv_stem.cuh"

namespace halftone::cuda::stem {

cudaError_t launch_fp8(const StemParams& p, cudaStream_t stream) {
  return launch<__nv_fp8_e4m3, __nv_fp8_e4m3, __nv_fp8_e4m3>(p, stream);
}

}  // namespace halftone::cuda::stem
