#include "cuda/pool.h"

#include "cuda/dependency.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"
#include "cuda/mma.cuh"

namespace halftone::cuda {
namespace {

/// The largest of some values, kVector channels at once.
template <typename T, int kVector>
struct Largest {
  using Values = Pack<T, kVector>;
  Values best;

  __device__ void start(const Values& first) { best = first; }

  __device__ void take(const Values& next) {
    constexpr bool kPairs = std::is_integral_v<T> || (sizeof(T) == 2 && !kTuring);
    if constexpr (sizeof(best) % 4 == 0 && kPairs) {
      auto* x = reinterpret_cast<uint32_t*>(&best);
      const auto* y = reinterpret_cast<const uint32_t*>(&next);
#pragma unroll
      for (int i = 0; i < static_cast<int>(sizeof(best) / 4); ++i) {
        if constexpr (std::is_same_v<T, int8_t>) {
          x[i] = __vmaxs4(x[i], y[i]);
        } else if constexpr (std::is_same_v<T, uint8_t>) {
          x[i] = __vmaxu4(x[i], y[i]);
        } else if constexpr (std::is_same_v<T, __half>) {
          asm("max.NaN.f16x2 %0, %0, %1;" : "+r"(x[i]) : "r"(y[i]));
        } else {
          asm("max.NaN.bf16x2 %0, %0, %1;" : "+r"(x[i]) : "r"(y[i]));
        }
      }
    } else {
#pragma unroll
      for (int i = 0; i < kVector; ++i) {
        const float x = to_float(best.values[i]);
        const float y = to_float(next.values[i]);
        if (y > x || y != y) best.values[i] = next.values[i];
      }
    }
  }

  __device__ Values result() const { return best; }
};

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
/// Bytes of which 16 bits at a time are compared: each is the upper byte of one such number. Above the lower byte 0x81
/// an e4m3 has the bits of a bf16 of the same order, and is NaN where that is. They travel as words: a struct of bytes
/// would be taken apart and put together byte by byte.
template <typename T>
struct Largest<T, 16> {
  static_assert(sizeof(T) == 1);
  static constexpr bool kFloat = std::is_same_v<T, __nv_fp8_e4m3>;
  using Values = Pack<uint32_t, 4>;
  uint32_t even[4], odd[4];

  __device__ static uint32_t even_bytes(uint32_t x) { return __byte_perm(x, kFloat ? 0x81U : 0U, 0x2404); }
  __device__ static uint32_t odd_bytes(uint32_t x) { return kFloat ? __byte_perm(x, 0x81U, 0x3414) : x; }
  __device__ static void raise(uint32_t& x, uint32_t y) {
    if constexpr (kFloat) {
      asm("max.NaN.bf16x2 %0, %0, %1;" : "+r"(x) : "r"(y));
    } else if constexpr (std::is_same_v<T, int8_t>) {
      asm("max.s16x2 %0, %0, %1;" : "+r"(x) : "r"(y));
    } else {
      asm("max.u16x2 %0, %0, %1;" : "+r"(x) : "r"(y));
    }
  }

  __device__ void start(const Values& first) {
#pragma unroll
    for (int i = 0; i < 4; ++i) even[i] = even_bytes(first.values[i]), odd[i] = odd_bytes(first.values[i]);
  }
  __device__ void take(const Values& next) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      raise(even[i], even_bytes(next.values[i]));
      raise(odd[i], odd_bytes(next.values[i]));
    }
  }
  __device__ Values result() const {
    Values out;
#pragma unroll
    for (int i = 0; i < 4; ++i) out.values[i] = __byte_perm(even[i], odd[i], 0x7351);
    return out;
  }
};
#endif

/// A thread makes kVector channels of one output pixel. kWindow is the window's side where it is
/// known when compiling, so that its loads are issued together; 0 otherwise.
template <typename T, int kVector, bool kMax, int kWindow>
__global__ void pool_kernel(const PoolParams p, uint32_t items) {
  release_next();
  await_earlier();
  const uint32_t item = blockIdx.x * blockDim.x + threadIdx.x;
  if (item >= items) return;
  const uint32_t vectors = static_cast<uint32_t>(p.channels) / kVector;
  const uint32_t pixel = item / vectors;
  const uint32_t channel = (item - pixel * vectors) * kVector;
  const uint32_t line = pixel / static_cast<uint32_t>(p.out_width);
  const int x = static_cast<int>(pixel - line * p.out_width);
  const uint32_t image = line / static_cast<uint32_t>(p.out_height);
  const int y = static_cast<int>(line - image * p.out_height);
  const int top = y * p.stride_height - p.pad_top;
  const int left = x * p.stride_width - p.pad_left;
  const int window_height = kWindow > 0 ? kWindow : p.kernel_height;
  const int window_width = kWindow > 0 ? kWindow : p.kernel_width;
  const T* input = static_cast<const T*>(p.input) + int64_t{image} * p.height * p.width * p.channels + channel;
  using Values = std::conditional_t<kMax, typename Largest<T, kVector>::Values, Pack<T, kVector>>;
  Largest<T, kVector> best;
  float sums[kMax ? 1 : kVector] = {};
  bool any = false;
  int count = 0;
#pragma unroll(kWindow > 0 ? kWindow : 1)
  for (int r = 0; r < window_height; ++r) {
    const int iy = top + r * p.dilation_height;
#pragma unroll(kWindow > 0 ? kWindow : 1)
    for (int s = 0; s < window_width; ++s) {
      const int ix = left + s * p.dilation_width;
      if constexpr (kMax && kWindow > 0) {
        // A clamped tap lies in the window as well, so the largest value stays the same.
        const int clamped_y = min(max(iy, max(top, 0)), min(p.height - 1, top + window_height - 1));
        const int clamped_x = min(max(ix, max(left, 0)), min(p.width - 1, left + window_width - 1));
        const auto value = *reinterpret_cast<const Values*>(input + (clamped_y * p.width + clamped_x) * p.channels);
        if (r + s > 0) best.take(value);
        else best.start(value);
        continue;
      }
      const bool inside = static_cast<unsigned>(iy) < static_cast<unsigned>(p.height) &&
                          static_cast<unsigned>(ix) < static_cast<unsigned>(p.width);
      if (!inside) {
        if (!kMax && p.count_padding && iy < p.height + p.pad_bottom && ix < p.width + p.pad_right) {
          ++count;
        }
        continue;
      }
      const auto value = *reinterpret_cast<const Values*>(input + (int64_t{iy} * p.width + ix) * p.channels);
      if constexpr (kMax) {
        if (any) best.take(value);
        else best.start(value);
        any = true;
      } else {
        ++count;
#pragma unroll
        for (int v = 0; v < kVector; ++v) sums[v] += to_float(value.values[v]);
      }
    }
  }
  Values out;
  if constexpr (kMax) {
    out = best.result();
  } else {
    const float factor = count > 0 ? p.scale / static_cast<float>(count) : 0.0F;
#pragma unroll
    for (int v = 0; v < kVector; ++v) out.values[v] = from_float<T>(fmaf(sums[v], factor, p.bias));
  }
  *reinterpret_cast<Values*>(static_cast<T*>(p.output) + int64_t{pixel} * p.channels + channel) = out;
}

template <typename T, int kVector, bool kMax>
cudaError_t launch_pool(const PoolParams& p, cudaStream_t stream) {
  constexpr unsigned kThreads = 256;
  const int64_t items = int64_t{p.batch} * p.out_height * p.out_width * (p.channels / kVector);
  if (items > 0xffffff00) return cudaErrorInvalidConfiguration;
  const auto count = static_cast<uint32_t>(items);
  const unsigned blocks = (count + kThreads - 1) / kThreads;
  const bool square = p.kernel_height == p.kernel_width && p.dilation_height == 1 && p.dilation_width == 1 &&
                      int64_t{p.height} * p.width * p.channels < (1 << 30);
  auto* kernel = pool_kernel<T, kVector, kMax, 0>;
  if (kMax && square && p.kernel_height == 3) kernel = pool_kernel<T, kVector, kMax, 3>;
  if (kMax && square && p.kernel_height == 2) kernel = pool_kernel<T, kVector, kMax, 2>;
  return launch_overlapping(kernel, blocks, kThreads, 0, stream, p, count);
}

template <bool kMax>
cudaError_t pool(const PoolParams& p, cudaStream_t stream) {
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    constexpr int kVector = 16 / sizeof(T);
    return p.channels % kVector == 0 ? launch_pool<T, kVector, kMax>(p, stream) : launch_pool<T, 1, kMax>(p, stream);
  };
  if constexpr (kMax) return with_any_element(p.type, run);
  else return with_element(p.type, run);
}

constexpr int kGlobalLanes = 8;  // threads that share a vector of channels

/// blockIdx.x: 32 vectors of channels; blockIdx.y: the image.
template <typename T, int kVector>
__global__ void global_average_kernel(const PoolParams p) {
  release_next();
  await_earlier();
  __shared__ float shared[kGlobalLanes][32 * kVector + 1];
  const int channel = static_cast<int>(blockIdx.x * 32 + threadIdx.x) * kVector;
  const int pixels = p.height * p.width;
  float sums[kVector] = {};
  if (channel < p.channels) {
    const T* input = static_cast<const T*>(p.input) + int64_t{blockIdx.y} * pixels * p.channels + channel;
    for (int i = static_cast<int>(threadIdx.y); i < pixels; i += kGlobalLanes) {
      const auto value = *reinterpret_cast<const Pack<T, kVector>*>(input + int64_t{i} * p.channels);
#pragma unroll
      for (int v = 0; v < kVector; ++v) sums[v] += to_float(value.values[v]);
    }
  }
#pragma unroll
  for (int v = 0; v < kVector; ++v) shared[threadIdx.y][threadIdx.x * kVector + v] = sums[v];
  __syncthreads();
  const int first = static_cast<int>(blockIdx.x) * 32 * kVector;
  for (int i = static_cast<int>(threadIdx.y * 32 + threadIdx.x); i < 32 * kVector; i += 32 * kGlobalLanes) {
    if (first + i >= p.channels) break;
    float sum = 0.0F;
#pragma unroll
    for (int lane = 0; lane < kGlobalLanes; ++lane) sum += shared[lane][i];
    static_cast<T*>(p.output)[int64_t{blockIdx.y} * p.channels + first + i] =
        from_float<T>(fmaf(sum, p.scale / static_cast<float>(pixels), p.bias));
  }
}

}  // namespace

cudaError_t max_pool(const PoolParams& p, cudaStream_t stream) { return pool<true>(p, stream); }

cudaError_t average_pool(const PoolParams& p, cudaStream_t stream) { return pool<false>(p, stream); }

cudaError_t global_average_pool(const PoolParams& p, cudaStream_t stream) {
  return with_element(p.type, [&](auto zero) {
    using T = decltype(zero);
    constexpr int kVector = 4;
    const dim3 threads(32, kGlobalLanes);
    if (p.batch > 65535) return cudaErrorInvalidConfiguration;
    if (p.channels % kVector == 0) {
      const dim3 grid((p.channels + 32 * kVector - 1) / (32 * kVector), p.batch);
      return launch_overlapping(global_average_kernel<T, kVector>, grid, threads, 0, stream, p);
    }
    const dim3 grid((p.channels + 31) / 32, p.batch);
    return launch_overlapping(global_average_kernel<T, 1>, grid, threads, 0, stream, p);
  });
}

}  // namespace halftone::cuda
