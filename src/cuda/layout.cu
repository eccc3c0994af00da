#include "cuda/layout.h"

#include "cuda/dependency.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"
#include "cuda/mma.cuh"

namespace halftone::cuda {
namespace {

constexpr int kTile = 32;

/// A plain move keeps every bit, the sign of zero as well.
__device__ float scaled(float x, float scale, float bias) {
  return scale == 1.0F && bias == 0.0F ? x : fmaf(x, scale, bias);
}

template <typename T, typename Out>
__global__ void transpose_kernel(const TransposeParams p) {
  release_next();
  await_earlier();
  __shared__ float tile[kTile][kTile + 1];
  const int64_t plane = int64_t{p.rows} * p.columns;
  const T* input = static_cast<const T*>(p.input) + blockIdx.z * plane;
  Out* output = static_cast<Out*>(p.output) + blockIdx.z * plane;
  const int column = static_cast<int>(blockIdx.x) * kTile;
  const int row = static_cast<int>(blockIdx.y) * kTile;
  const int x = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += static_cast<int>(blockDim.y)) {
    if (row + y < p.rows && column + x < p.columns) {
      tile[y][x] = to_float(input[int64_t{row + y} * p.columns + column + x]);
    }
  }
  __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += static_cast<int>(blockDim.y)) {
    if (column + y < p.columns && row + x < p.rows) {
      output[int64_t{column + y} * p.rows + row + x] = from_float<Out>(scaled(tile[x][y], p.scale, p.bias));
    }
  }
}

/// For a few rows (the channels of an image): a thread owns a column, so reads and writes coalesce.
template <typename T, typename Out>
__global__ void interleave_kernel(const TransposeParams p) {
  release_next();
  await_earlier();
  const int64_t plane = int64_t{p.rows} * p.columns;
  const int64_t items = p.batch * p.columns;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const int64_t image = i / p.columns;
    const int64_t column = i - image * p.columns;
    const T* input = static_cast<const T*>(p.input) + image * plane + column;
    Out* output = static_cast<Out*>(p.output) + i * p.rows;
    for (int r = 0; r < p.rows; ++r) {
      output[r] = from_float<Out>(scaled(to_float(input[int64_t{r} * p.columns]), p.scale, p.bias));
    }
  }
}

template <typename T, typename Out, int kVector>
__global__ void convert_kernel(const T* input, Out* output, int64_t items, float scale, float bias) {
  release_next();
  await_earlier();
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const auto in = reinterpret_cast<const Pack<T, kVector>*>(input)[i];
    Pack<Out, kVector> out;
#pragma unroll
    for (int v = 0; v < kVector; ++v) {
      out.values[v] = from_float<Out>(scaled(to_float(in.values[v]), scale, bias));
    }
    reinterpret_cast<Pack<Out, kVector>*>(output)[i] = out;
  }
}

template <typename T, int kVector>
__global__ void add_kernel(const AddParams p, int64_t items) {
  release_next();
  await_earlier();
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < items; i += step) {
    const auto a = static_cast<const Pack<T, kVector>*>(p.a)[i];
    Pack<T, kVector> b{};
    if (p.b != nullptr) b = static_cast<const Pack<T, kVector>*>(p.b)[i];
    Pack<T, kVector> out;
#pragma unroll
    for (int v = 0; v < kVector; ++v) {
      const float sum = fmaf(to_float(a.values[v]), p.a_scale, fmaf(to_float(b.values[v]), p.b_scale, p.bias));
      out.values[v] = from_float<T>(fminf(fmaxf(sum, p.low), p.high));
    }
    static_cast<Pack<T, kVector>*>(p.output)[i] = out;
  }
}

constexpr int kThreads = 256;

}  // namespace

cudaError_t transpose_batched(const TransposeParams& p, cudaStream_t stream) {
  return with_element(p.from, [&](auto from) {
    return with_element(p.to, [&](auto to) {
      using T = decltype(from);
      using Out = decltype(to);
      if (p.rows <= 8) {
        return launch_overlapping(interleave_kernel<T, Out>, grid_blocks(p.batch * p.columns, kThreads), kThreads, 0,
                                  stream, p);
      }
      const int64_t across = (p.columns + kTile - 1) / kTile;
      const int64_t down = (p.rows + kTile - 1) / kTile;
      if (down > 65535 || p.batch > 65535) return cudaErrorInvalidConfiguration;
      const dim3 grid(static_cast<unsigned>(across), static_cast<unsigned>(down), static_cast<unsigned>(p.batch));
      return launch_overlapping(transpose_kernel<T, Out>, grid, dim3(kTile, 8), 0, stream, p);
    });
  });
}

cudaError_t convert(const void* input, Element from, void* output, Element to, int64_t count, float scale, float bias,
                    cudaStream_t stream) {
  return with_element(from, [&](auto in) {
    return with_element(to, [&](auto out) {
      using T = decltype(in);
      using Out = decltype(out);
      constexpr int kVector = 4;
      const auto* source = static_cast<const T*>(input);
      auto* target = static_cast<Out*>(output);
      if (count % kVector == 0) {
        return launch_overlapping(convert_kernel<T, Out, kVector>, grid_blocks(count / kVector, kThreads), kThreads, 0,
                                  stream, source, target, count / kVector, scale, bias);
      }
      return launch_overlapping(convert_kernel<T, Out, 1>, grid_blocks(count, kThreads), kThreads, 0, stream, source,
                                target, count, scale, bias);
    });
  });
}

cudaError_t add(const AddParams& p, cudaStream_t stream) {
  return with_element(p.type, [&](auto zero) {
    using T = decltype(zero);
    constexpr int kVector = 16 / sizeof(T);
    if (p.count % kVector == 0) {
      const int64_t items = p.count / kVector;
      return launch_overlapping(add_kernel<T, kVector>, grid_blocks(items, kThreads), kThreads, 0, stream, p, items);
    }
    return launch_overlapping(add_kernel<T, 1>, grid_blocks(p.count, kThreads), kThreads, 0, stream, p, p.count);
  });
}

}  // namespace halftone::cuda
