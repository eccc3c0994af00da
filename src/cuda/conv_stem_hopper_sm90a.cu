#include "cuda/conv_stem_hopper.cuh"

namespace halftone::cuda {

namespace {

using Fp8 = __nv_fp8_e4m3;

/// Pixels of 8 bits are multiplied as T and leave as 8 bits of type Out, or as 16.
template <typename T, typename Source, typename Out>
cudaError_t from_8_bits(const StemParams& p, Element to, cudaStream_t stream) {
  using stem::launch_hopper;
  if (to == Element::kFloat16) return launch_hopper<T, Source, __half>(p, stream);
  if (to == Element::kBfloat16) return launch_hopper<T, Source, __nv_bfloat16>(p, stream);
  return launch_hopper<T, Source, Out>(p, stream);
}

template <typename T>
cudaError_t from_16_bits(const StemParams& p, Element to, cudaStream_t stream) {
  using stem::launch_hopper;
  if (to == Element::kInt8 || to == Element::kUint8) return launch_hopper<T, T, int8_t>(p, stream);
  if (to == Element::kFloat8) return launch_hopper<T, T, Fp8>(p, stream);
  return launch_hopper<T, T, T>(p, stream);
}

}  // namespace

cudaError_t conv_stem_hopper(const StemParams& p, Element from, Element to, cudaStream_t stream) {
  const bool as_bytes = stem_hopper_value_bytes(p.conv, from) == 1;
  switch (from) {
    case Element::kInt8:
      return as_bytes ? from_8_bits<int8_t, int8_t, int8_t>(p, to, stream)
                      : from_8_bits<__half, int8_t, int8_t>(p, to, stream);
    case Element::kUint8:
      return as_bytes ? from_8_bits<uint8_t, uint8_t, int8_t>(p, to, stream)
                      : from_8_bits<__half, uint8_t, int8_t>(p, to, stream);
    case Element::kFloat8: return from_8_bits<__half, Fp8, Fp8>(p, to, stream);
    case Element::kFloat16: return from_16_bits<__half>(p, to, stream);
    case Element::kBfloat16: return from_16_bits<__nv_bfloat16>(p, to, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace halftone::cuda
