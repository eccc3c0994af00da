#include "cuda/conv_stem_hopper.cuh"

namespace halftone::cuda {

cudaError_t conv_stem_hopper(const StemParams& p, Element from, Element to, cudaStream_t stream) {
  using stem::launch_hopper;
  using Fp8 = __nv_fp8_e4m3;
  const bool to_bytes = to == Element::kInt8 || to == Element::kUint8;
  switch (from) {
    case Element::kInt8: return launch_hopper<__half, int8_t, int8_t>(p, stream);
    case Element::kUint8: return launch_hopper<__half, uint8_t, int8_t>(p, stream);
    case Element::kFloat8: return launch_hopper<__half, Fp8, Fp8>(p, stream);
    case Element::kFloat16:
      if (to_bytes) return launch_hopper<__half, __half, int8_t>(p, stream);
      if (to == Element::kFloat8) return launch_hopper<__half, __half, Fp8>(p, stream);
      return launch_hopper<__half, __half, __half>(p, stream);
    case Element::kBfloat16:
      if (to_bytes) return launch_hopper<__nv_bfloat16, __nv_bfloat16, int8_t>(p, stream);
      if (to == Element::kFloat8) return launch_hopper<__nv_bfloat16, __nv_bfloat16, Fp8>(p, stream);
      return launch_hopper<__nv_bfloat16, __nv_bfloat16, __nv_bfloat16>(p, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace halftone::cuda
