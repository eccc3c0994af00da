#include "cuda/quantize.h"

#include "cuda/dependency.cuh"
#include "cuda/element_access.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

constexpr int kVector = 8;

template <typename Out>
__device__ uint32_t quantized(float x, float scale, float zero) {
  const float steps = __fdiv_rn(x, scale);
  if constexpr (std::is_same_v<Out, __nv_fp8_e4m3>) {
    return __nv_cvt_float_to_fp8(steps, __NV_SATFINITE, __NV_E4M3);
  } else {
    constexpr float kLow = std::is_signed_v<Out> ? -128.0F : 0.0F;
    return static_cast<uint32_t>(static_cast<int>(fminf(fmaxf(rintf(steps) + zero, kLow), kLow + 255.0F))) & 0xffU;
  }
}

template <typename In, typename Out>
__global__ void quantize_kernel(const QuantizeParams p) {
  release_next();
  await_earlier();
  const float scale = load_element(p.scale, p.scale_type, 0);
  const float zero = p.zero != nullptr ? load_element(p.zero, p.to, 0) : 0.0F;
  const In* input = static_cast<const In*>(p.input);
  const int64_t step = int64_t{gridDim.x} * blockDim.x * kVector;
  for (int64_t i = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * kVector; i < p.count; i += step) {
    if (i + kVector <= p.count) {
      const auto in = *reinterpret_cast<const Pack<In, kVector>*>(input + i);
      uint2 words{};
#pragma unroll
      for (int v = 0; v < 4; ++v) {
        words.x |= quantized<Out>(to_float(in.values[v]), scale, zero) << (8 * v);
        words.y |= quantized<Out>(to_float(in.values[v + 4]), scale, zero) << (8 * v);
      }
      *reinterpret_cast<uint2*>(static_cast<uint8_t*>(p.output) + i) = words;
    } else {
      for (int64_t k = i; k < p.count; ++k)
        static_cast<uint8_t*>(p.output)[k] = static_cast<uint8_t>(quantized<Out>(to_float(input[k]), scale, zero));
    }
  }
}

template <typename In>
cudaError_t launch(const QuantizeParams& p, cudaStream_t stream) {
  constexpr int kThreads = 256;
  const unsigned blocks = grid_blocks((p.count + kVector - 1) / kVector, kThreads);
  switch (p.to) {
    case Element::kInt8: return launch_overlapping(quantize_kernel<In, int8_t>, blocks, kThreads, 0, stream, p);
    case Element::kUint8: return launch_overlapping(quantize_kernel<In, uint8_t>, blocks, kThreads, 0, stream, p);
    case Element::kFloat8:
      return launch_overlapping(quantize_kernel<In, __nv_fp8_e4m3>, blocks, kThreads, 0, stream, p);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace

cudaError_t quantize(const QuantizeParams& p, cudaStream_t stream) {
  switch (p.from) {
    case Element::kFloat32: return launch<float>(p, stream);
    case Element::kFloat16: return launch<__half>(p, stream);
    case Element::kBfloat16: return launch<__nv_bfloat16>(p, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace halftone::cuda
