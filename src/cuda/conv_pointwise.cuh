#pragma once
#include "cuda/conv_pointwise.h"

#include <algorithm>

#include "cuda/conv_gemm.cuh"
#include "cuda/shared_limit.h"

/// The streaming 1x1 convolution. It lives on asynchronous copies, so it has no code below compute capability 8.0.
namespace halftone::cuda {

constexpr int kSlab = 64;  // bytes of the inner dimension that lie together

template <typename T, typename Out, int kRows, int kColumns, int kWarpRows, int kWarpColumns, int kStages>
struct Pointwise {
  using Acc = Accumulator<T>;
  using Order = ColumnOrder<Out, kWarpColumns>;
  static constexpr int kVector = Order::kVector;
  static constexpr int kWarpsDown = kRows / kWarpRows;
  static constexpr int kWarpsAcross = kColumns / kWarpColumns;
  static constexpr int kThreads = 32 * kWarpsDown * kWarpsAcross;
  static constexpr int kRowStep = kThreads / (kSlab / 16);
  static constexpr int kRowsPerThread = kRows / kRowStep;
  static constexpr int kRowBlocks = kWarpRows / 16;
  static constexpr int kColumnBlocks = kWarpColumns / 8;
  static constexpr int kVectors = kRowBlocks * 2 * Order::kGroups;  // a thread's share of a tile
  static constexpr int kOutputBytes = kThreads * kVectors * 16;
  static_assert(kVector * sizeof(Out) == 16 && kRows % kRowStep == 0);

  static __host__ __device__ int slabs(const ConvParams& p) {
    return (p.channels * static_cast<int>(sizeof(T)) + kSlab - 1) / kSlab;
  }
  static __host__ __device__ int stage_bytes(const ConvParams& p) {
    return slabs(p) * kRows * kSlab + (p.residual != nullptr ? kOutputBytes : 0);
  }
  static size_t shared_bytes(const ConvParams& p) {
    return static_cast<size_t>(slabs(p)) * kColumns * kSlab + size_t{kStages} * stage_bytes(p);
  }
};

template <typename T, typename Out, int kRows, int kColumns, int kWarpRows, int kWarpColumns, int kStages,
          bool kSmallSums>
__global__ void __launch_bounds__(Pointwise<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages>::kThreads, 2)
    conv_pointwise_kernel(const ConvParams p, int slices) {
  using P = Pointwise<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages>;
  using Acc = typename P::Acc;
  using Order = typename P::Order;
  constexpr int kVector = P::kVector;
  using Vector = Pack<Out, kVector>;

  extern __shared__ char shared[];
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;
  const int warp_down = warp % P::kWarpsDown;
  const int warp_across = warp / P::kWarpsDown;
  const int slabs = P::slabs(p);
  const int stage_bytes = P::stage_bytes(p);
  const int channel_bytes = p.channels * static_cast<int>(sizeof(T));
  const uint32_t weights = shared_address(shared);
  const uint32_t stages = weights + slabs * kColumns * kSlab;

  const int slice = static_cast<int>(blockIdx.x) % slices;
  const int first_column = slice * kColumns;
  const uint32_t pixels = static_cast<uint32_t>(p.batch) * p.out_height * p.out_width;
  const int tiles = static_cast<int>((pixels + kRows - 1) / kRows);
  const int first_tile = static_cast<int>(blockIdx.x) / slices;
  const int tile_step = static_cast<int>(gridDim.x) / slices;
  const bool has_residual = p.residual != nullptr;
  const bool strided = p.stride_height != 1 || p.stride_width != 1;

  const int chunk = thread % 4;
  const int slot = thread / 4;
  const uint32_t place = slot * kSlab + ((chunk ^ (slot / 2 % 4)) * 16);
  for (int n = slot; n < kColumns; n += P::kRowStep) {
    const int channel = first_column + n / kWarpColumns * kWarpColumns + Order::channel(n % kWarpColumns);
    const bool valid = channel < p.outputs;
    const char* from = static_cast<const char*>(p.weights) + static_cast<int64_t>(valid ? channel : 0) * channel_bytes;
    for (int k = 0; k < slabs; ++k) {
      const int byte = k * kSlab + chunk * 16;
      const bool inside = valid && byte < channel_bytes;
      copy_async(weights + (k * kColumns + n - slot) * kSlab + place, from + (inside ? byte : 0), inside);
    }
  }
  commit_copies();

  const int row = warp_down * kWarpRows + lane / 4;
  const int column = first_column + warp_across * kWarpColumns + lane % 4 * kVector;

  auto load_tile = [&](int tile, int stage) {
    const uint32_t to = stages + stage * stage_bytes;
    const uint32_t first = static_cast<uint32_t>(tile) * kRows;
#pragma unroll
    for (int i = 0; i < P::kRowsPerThread; ++i) {
      const uint32_t m = first + slot + i * P::kRowStep;
      const bool valid = m < pixels;
      int64_t pixel = valid ? m : 0;
      if (strided) {
        const uint32_t line = static_cast<uint32_t>(pixel) / p.out_width;
        const uint32_t x = static_cast<uint32_t>(pixel) - line * p.out_width;
        const uint32_t image = line / p.out_height;
        const uint32_t y = line - image * p.out_height;
        pixel = (int64_t{image} * p.height + y * p.stride_height) * p.width + x * p.stride_width;
      }
      const char* from = static_cast<const char*>(p.input) + pixel * p.input_pitch * static_cast<int>(sizeof(T));
      for (int k = 0; k < slabs; ++k) {
        const int byte = k * kSlab + chunk * 16;
        const bool inside = valid && byte < channel_bytes;
        copy_async(to + (k * kRows + i * P::kRowStep) * kSlab + place, from + (inside ? byte : 0), inside);
      }
    }
    if (has_residual) {
      const uint32_t added = to + slabs * kRows * kSlab + thread * 16;
#pragma unroll
      for (int g = 0; g < Order::kGroups; ++g) {
#pragma unroll
        for (int i = 0; i < P::kRowBlocks * 2; ++i) {
          const uint32_t m = first + row + i * 8;
          const int channel = column + g * 4 * kVector;
          const bool valid = m < pixels && channel < p.outputs;
          copy_async(added + (g * P::kRowBlocks * 2 + i) * P::kThreads * 16,
                     static_cast<const Out*>(p.residual) + (valid ? int64_t{m} * p.outputs + channel : 0), valid);
        }
      }
    }
  };

  await_earlier();
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (first_tile + s * tile_step < tiles) load_tile(first_tile + s * tile_step, s);
    commit_copies();
  }

  const int a_row = warp_down * kWarpRows + lane % 16;
  const uint32_t a_place = a_row * kSlab;
  const int a_chunk = lane / 16;
  const int a_swizzle = a_row / 2 % 4;
  const int b_row = warp_across * kWarpColumns + lane % 8 + lane / 16 * 8;
  const uint32_t b_place = weights + b_row * kSlab;
  const int b_chunk = lane / 8 % 2;
  const int b_swizzle = b_row / 2 % 4;

  Epilogue<Acc, Out, kVector, kSmallSums> epilogues[Order::kGroups];
#pragma unroll
  for (int g = 0; g < Order::kGroups; ++g) epilogues[g].load(p, column + g * 4 * kVector);

  int stage = 0;
  for (int tile = first_tile; tile < tiles; tile += tile_step) {
    wait_copies<kStages - 2>();
    __syncthreads();
    const int ahead = tile + (kStages - 1) * tile_step;
    if (ahead < tiles) load_tile(ahead, (stage + kStages - 1) % kStages);
    commit_copies();

    Acc sums[P::kRowBlocks][P::kColumnBlocks][4];
#pragma unroll
    for (int i = 0; i < P::kRowBlocks; ++i) {
#pragma unroll
      for (int j = 0; j < P::kColumnBlocks; ++j) {
#pragma unroll
        for (int k = 0; k < 4; ++k) sums[i][j][k] = first_sum<Acc, kSmallSums>();
      }
    }
    const uint32_t from = stages + stage * stage_bytes;
    for (int k = 0; k < slabs; ++k) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        uint32_t a[P::kRowBlocks][4];
#pragma unroll
        for (int i = 0; i < P::kRowBlocks; ++i) {
          load_matrices(a[i], from + (k * kRows + i * 16) * kSlab + a_place + ((a_chunk + 2 * half) ^ a_swizzle) * 16);
        }
#pragma unroll
        for (int j = 0; j < P::kColumnBlocks; j += 2) {
          uint32_t b[4];
          load_matrices(b, b_place + (k * kColumns + j * 8) * kSlab + ((b_chunk + 2 * half) ^ b_swizzle) * 16);
          const uint32_t first[2] = {b[0], b[1]};
          const uint32_t second[2] = {b[2], b[3]};
#pragma unroll
          for (int i = 0; i < P::kRowBlocks; ++i) {
            multiply_add<T>(sums[i][j], a[i], first);
            multiply_add<T>(sums[i][j + 1], a[i], second);
          }
        }
      }
    }

    if (tile + tile_step >= tiles) release_next();
    const char* added = shared + slabs * kColumns * kSlab + stage * stage_bytes + slabs * kRows * kSlab + thread * 16;
    const uint32_t first = static_cast<uint32_t>(tile) * kRows + row;
#pragma unroll
    for (int g = 0; g < Order::kGroups; ++g) {
      const int channel = column + g * 4 * kVector;
#pragma unroll
      for (int i = 0; i < P::kRowBlocks * 2; ++i) {
        const uint32_t m = first + i * 8;
        float results[kVector];
        if (has_residual) {
          float values[kVector];
          residual_values(p, *reinterpret_cast<const Vector*>(added + (g * P::kRowBlocks * 2 + i) * P::kThreads * 16),
                          values);
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            results[v] =
                epilogues[g].apply(p, v, sums[i / 2][g * Order::kBlocksPerGroup + v / 2][i % 2 * 2 + v % 2], values[v]);
          }
        } else {
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            results[v] = epilogues[g].apply(p, v, sums[i / 2][g * Order::kBlocksPerGroup + v / 2][i % 2 * 2 + v % 2]);
          }
        }
        const Vector out = round_results<Out>(results);
        if (m < pixels && channel < p.outputs) {
          *reinterpret_cast<Vector*>(static_cast<Out*>(p.output) + int64_t{m} * p.output_pitch + channel) = out;
        }
      }
    }
    stage = stage + 1 == kStages ? 0 : stage + 1;
  }
}

template <typename T, typename Out, int kRows, int kColumns, int kWarpRows, int kWarpColumns, int kStages,
          bool kSmallSums>
cudaError_t launch_pointwise_with(const ConvParams& p, cudaStream_t stream) {
  using P = Pointwise<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages>;
  auto* kernel = conv_pointwise_kernel<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages, kSmallSums>;
  static std::atomic<std::uint64_t> allowed{0};
  if (const cudaError_t error = allow_all_shared(kernel, allowed); error != cudaSuccess) return error;
  const size_t bytes = P::shared_bytes(p);
  if (p.outputs % P::kVector != 0 || p.output_pitch % P::kVector != 0) return cudaErrorInvalidValue;
  int at_once = 0;
  if (const cudaError_t error = blocks_at_once(kernel, P::kThreads, bytes, at_once); error != cudaSuccess) return error;
  const int slices = (p.outputs + kColumns - 1) / kColumns;
  const int64_t tiles = (output_pixels(p) + kRows - 1) / kRows;
  if (tiles > 0x7fffffff) return cudaErrorInvalidConfiguration;
  const int64_t slots = std::max(1, at_once / slices);
  const int64_t rounds = (tiles + slots - 1) / slots;
  const int64_t across = (tiles + rounds - 1) / rounds;
  return launch_overlapping(kernel, static_cast<unsigned>(across * slices), P::kThreads, bytes, stream, p, slices);
}

template <typename T, typename Out, int kRows, int kColumns, int kWarpRows, int kWarpColumns, int kStages>
cudaError_t launch_pointwise(const ConvParams& p, cudaStream_t stream) {
  if constexpr (std::is_same_v<Accumulator<T>, int32_t>) {
    if (sums_are_small(p.channels, std::is_same_v<T, uint8_t>)) {
      return launch_pointwise_with<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages, true>(p, stream);
    }
  }
  return launch_pointwise_with<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages, false>(p, stream);
}

template <typename T, typename Out, int kRows, int kColumns, int kWarpRows, int kWarpColumns, int kStages>
constexpr PointwiseConfig pointwise_config(std::string_view name) {
  return {name, launch_pointwise<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages>,
          Pointwise<T, Out, kRows, kColumns, kWarpRows, kWarpColumns, kStages>::shared_bytes};
}

template <typename T, typename Out>
std::span<const PointwiseConfig> pointwise_byte_table() {
  static constexpr PointwiseConfig kTable[] = {
      pointwise_config<T, Out, 64, 256, 32, 64, 3>("64x256x3"),
      pointwise_config<T, Out, 64, 256, 32, 64, 4>("64x256x4"),
      pointwise_config<T, Out, 64, 128, 16, 64, 3>("64x128x3"),
      pointwise_config<T, Out, 128, 64, 16, 64, 4>("128x64x4"),
  };
  return kTable;
}

template <typename T>
std::span<const PointwiseConfig> pointwise_half_table() {
  static constexpr PointwiseConfig kTable[] = {
      pointwise_config<T, T, 64, 256, 32, 64, 3>("64x256x3"),
      pointwise_config<T, T, 64, 128, 32, 32, 3>("64x128x3"),
      pointwise_config<T, T, 64, 128, 32, 32, 4>("64x128x4"),
      pointwise_config<T, T, 64, 64, 16, 32, 4>("64x64x4"),
  };
  return kTable;
}

}  // namespace halftone::cuda
