#include "cuda/product_finish.h"

#include "cuda/dependency.cuh"
#include "cuda/element_access.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

/// kWide values a thread, which do not cross a row.
template <typename Sum, typename Out, int kWide>
__global__ void finish_kernel(const ConvParams p, const Sum* sums, Element residual, int64_t groups) {
  release_next();
  await_earlier();
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t group = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; group < groups; group += step) {
    const int64_t first = group * kWide;
    const int channel = static_cast<int>(first % p.outputs);
    alignas(16) Sum in[kWide];
    alignas(16) Out out[kWide];
    if constexpr (kWide == 4) *reinterpret_cast<int4*>(in) = reinterpret_cast<const int4*>(sums)[group];
    else in[0] = sums[first];
#pragma unroll
    for (int i = 0; i < kWide; ++i) {
      float value = static_cast<float>(in[i]);
      if (p.scale != nullptr) value *= p.scale[channel + i];
      if (p.bias != nullptr) value += p.bias[channel + i];
      if (p.residual != nullptr) value = fmaf(load_element(p.residual, residual, first + i), p.residual_scale, value);
      value = fminf(fmaxf(value, p.low), p.high);
      if constexpr (std::is_integral_v<Out>) value = rintf(value) + static_cast<float>(p.output_zero);
      out[i] = from_float<Out>(value);
    }
    Out* to = static_cast<Out*>(p.output) + first;
    if constexpr (kWide * sizeof(Out) == 16) *reinterpret_cast<int4*>(to) = *reinterpret_cast<const int4*>(out);
    else if constexpr (kWide * sizeof(Out) == 8) *reinterpret_cast<int2*>(to) = *reinterpret_cast<const int2*>(out);
    else if constexpr (kWide * sizeof(Out) == 4) *reinterpret_cast<int*>(to) = *reinterpret_cast<const int*>(out);
    else
      for (int i = 0; i < kWide; ++i) to[i] = out[i];
  }
}

template <typename Sum, typename Out>
cudaError_t launch(const ConvParams& p, const void* sums, Element residual, cudaStream_t stream) {
  constexpr int kThreads = 256;
  const int64_t count = output_pixels(p) * p.outputs;
  const auto* from = static_cast<const Sum*>(sums);
  if (p.outputs % 4 == 0) {
    return launch_overlapping(finish_kernel<Sum, Out, 4>, grid_blocks(count / 4, kThreads), kThreads, 0, stream, p,
                              from, residual, count / 4);
  }
  return launch_overlapping(finish_kernel<Sum, Out, 1>, grid_blocks(count, kThreads), kThreads, 0, stream, p, from,
                            residual, count);
}

}  // namespace

cudaError_t finish_product(const ConvParams& p, const void* sums, bool whole, Element residual, Element out,
                           cudaStream_t stream) {
  return with_any_element(out, [&](auto zero) {
    using Out = decltype(zero);
    return whole ? launch<int32_t, Out>(p, sums, residual, stream) : launch<float, Out>(p, sums, residual, stream);
  });
}

}  // namespace halftone::cuda
