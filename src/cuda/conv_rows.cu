#include "cuda/conv_rows.h"

#include "cuda/conv_gemm.cuh"
#include "cuda/dependency.cuh"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kAtOnce = 8;  // loads of weights in flight

/// sum += a * b over 16 bytes.
__device__ __forceinline__ void add_products(int8_t, int32_t& sum, const uint4& a, const uint4& b) {
  const auto* x = reinterpret_cast<const int*>(&a);
  const auto* y = reinterpret_cast<const int*>(&b);
#pragma unroll
  for (int i = 0; i < 4; ++i) sum = __dp4a(x[i], y[i], sum);
}
template <typename T>
__device__ __forceinline__ void add_products(T, float& sum, const uint4& a, const uint4& b) {
  constexpr int kCount = 16 / static_cast<int>(sizeof(T));
  if constexpr (sizeof(T) == 1) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890  // supports() asks for it; before, a conversion is a page of code
    const auto* x = reinterpret_cast<const __nv_fp8x2_storage_t*>(&a);
    const auto* y = reinterpret_cast<const __nv_fp8x2_storage_t*>(&b);
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) {
      const float2 left = __half22float2(__half2(__nv_cvt_fp8x2_to_halfraw2(x[i], __NV_E4M3)));
      const float2 right = __half22float2(__half2(__nv_cvt_fp8x2_to_halfraw2(y[i], __NV_E4M3)));
      sum = fmaf(left.x, right.x, sum);
      sum = fmaf(left.y, right.y, sum);
    }
#endif
  } else {
    const auto* x = reinterpret_cast<const T*>(&a);
    const auto* y = reinterpret_cast<const T*>(&b);
#pragma unroll
    for (int i = 0; i < kCount; ++i) sum = fmaf(to_float(x[i]), to_float(y[i]), sum);
  }
}

/// A warp computes one output channel of kRows pixels; its lanes share the inner dimension, 16 bytes at a time.
template <typename T, typename Out, int kRows>
__global__ void __launch_bounds__(kWarps * 32) conv_rows_kernel(const ConvParams p, int pixels) {
  using Acc = Accumulator<T>;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int channel = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32;
  const int chunks = channel < p.outputs ? p.channels * static_cast<int>(sizeof(T)) / 16 : 0;
  const auto* weights = static_cast<const uint4*>(p.weights) + int64_t{channel} * chunks;
  const auto* input = static_cast<const uint4*>(p.input);
  Acc sums[kRows] = {};
  uint4 loaded[kAtOnce];
  auto load_weights = [&](int first) {
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int at = first + i * 32;
      loaded[i] = at < chunks ? __ldcs(weights + at) : uint4{};
    }
  };
  load_weights(lane);
  await_earlier();
  for (int first = lane; first < chunks; first += 32 * kAtOnce) {
    if (first != lane) load_weights(first);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int at = first + i * 32;
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const uint4 values = at < chunks && r < pixels ? input[int64_t{r} * chunks + at] : uint4{};
        add_products(T{}, sums[r], values, loaded[i]);
      }
    }
  }
  release_next();
  if (channel >= p.outputs) return;
  Epilogue<Acc, Out, 1> epilogue;
  epilogue.load(p, channel);
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) sums[r] += __shfl_xor_sync(0xffffffffU, sums[r], step);
    if (lane != 0 || r >= pixels) continue;
    const float result[1] = {epilogue.apply(p, 0, sums[r])};
    static_cast<Out*>(p.output)[int64_t{r} * p.output_pitch + channel] = round_results<Out>(result).values[0];
  }
}

template <typename T, typename Out>
cudaError_t launch(const ConvParams& p, cudaStream_t stream) {
  const auto pixels = static_cast<int>(output_pixels(p));
  const auto blocks = static_cast<unsigned>((p.outputs + kWarps - 1) / kWarps);
  auto* kernel = pixels == 1 ? conv_rows_kernel<T, Out, 1> : conv_rows_kernel<T, Out, kMostRows>;
  return launch_overlapping(kernel, blocks, kWarps * 32, 0, stream, p, pixels);
}

struct Row {
  Element from, to;
  cudaError_t (*launch)(const ConvParams&, cudaStream_t);
};

constexpr Row kTable[] = {
    {Element::kInt8, Element::kInt8, launch<int8_t, int8_t>},
    {Element::kInt8, Element::kUint8, launch<int8_t, int8_t>},
    {Element::kInt8, Element::kFloat32, launch<int8_t, float>},
    {Element::kFloat8, Element::kFloat8, launch<__nv_fp8_e4m3, __nv_fp8_e4m3>},
    {Element::kFloat8, Element::kFloat32, launch<__nv_fp8_e4m3, float>},
    {Element::kFloat8, Element::kBfloat16, launch<__nv_fp8_e4m3, __nv_bfloat16>},
    {Element::kFloat16, Element::kFloat16, launch<__half, __half>},
    {Element::kFloat16, Element::kFloat32, launch<__half, float>},
    {Element::kBfloat16, Element::kBfloat16, launch<__nv_bfloat16, __nv_bfloat16>},
    {Element::kBfloat16, Element::kFloat32, launch<__nv_bfloat16, float>},
    {Element::kFloat32, Element::kFloat32, launch<float, float>},
};

const Row* find(Element from, Element to) {
  for (const Row& row : kTable)
    if (row.from == from && row.to == to) return &row;
  return nullptr;
}

}  // namespace

bool has_rows(Element from, Element to) { return find(from, to) != nullptr; }

cudaError_t conv_rows(const ConvParams& p, Element from, Element to, cudaStream_t stream) {
  const Row* row = find(from, to);
  return row != nullptr ? row->launch(p, stream) : cudaErrorInvalidValue;
}

}  // namespace halftone::cuda
