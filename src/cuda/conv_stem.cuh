#pragma once
#include "cuda/conv_stem.h"

#include <algorithm>

#include "cuda/conv_gemm.cuh"
#include "cuda/conv_stem_tile.h"
#include "cuda/dependency.cuh"
#include "cuda/launch.h"
#include "cuda/shared_limit.h"

namespace halftone::cuda::stem {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * 32;
constexpr int kRowsPerWarp = kTileHeight / kWarps;

/// What is loaded of a pixel; it becomes four values of the compute type later, so that many loads can be in flight.
template <typename T, typename Source>
struct RawPixel {
  Pack<Source, 4> raw;

  __device__ void load(const ConvParams& c, int64_t image, int y, int x) {
    const Source* from = static_cast<const Source*>(c.input) + ((image * c.height + y) * c.width + x) * c.input_pitch;
#pragma unroll
    for (int i = 0; i < 4; ++i) raw.values[i] = from[i < c.channels ? i : 0];
  }

  __device__ Pack<T, 4> finish(const StemParams& p, bool inside) const {
    Pack<T, 4> out;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float value = to_float(raw.values[i]);
      if constexpr (!std::is_same_v<T, Source>) value -= kByteShift;
      if (!inside) value = p.padding;
      out.values[i] = from_float<T>(i < p.conv.channels ? value : 0.0F);
    }
    return out;
  }
};

/// Stages a tile's window. Pixels outside the image load its edge and are replaced: a branch round the loads would make
/// each wait for the one before.
template <typename T, typename Source>
__device__ void stage_window(const StemParams& p, Pack<T, 4>* window, int image, int top, int left, int pixels,
                             int window_width) {
  constexpr int kAtOnce = 7;
  constexpr int kShift = 22;  // exact quotients for windows of up to 8,192 pixels and 16 to 512 columns
  const uint32_t inverse = ((1U << kShift) + window_width - 1) / window_width;
  for (int first = static_cast<int>(threadIdx.x); first < pixels; first += kThreads * kAtOnce) {
    RawPixel<T, Source> raw[kAtOnce];
    uint32_t inside = 0;
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int index = first + i * kThreads;
      const int row = static_cast<int>((static_cast<uint32_t>(index) * inverse) >> kShift);
      const int y = top + row;
      const int x = left + index - row * window_width;
      const int clamped_y = min(max(y, 0), p.conv.height - 1);
      const int clamped_x = min(max(x, 0), p.conv.width - 1);
      if (clamped_y == y && clamped_x == x) inside |= 1U << i;
      raw[i].load(p.conv, image, clamped_y, clamped_x);
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int index = first + i * kThreads;
      if (index < pixels) window[index] = raw[i].finish(p, (inside >> i & 1U) != 0);
    }
  }
}

/// Blocks walk over 16 x 8 output tiles with their weights resident. A lane's share of the left
/// operand is whole pixels of four channels, read straight from the staged window: lane quad t
/// takes tap t of each group of four, and the weights are packed in the same order.
template <typename T, typename Source, typename Out, int kColumns, bool kSmallSums>
__global__ void __launch_bounds__(kThreads, 4)
    conv_stem_kernel(const StemParams p, int groups, uint32_t tiles_across, uint32_t tiles_down, uint32_t tiles) {
  using Acc = Accumulator<T>;
  using Order = ColumnOrder<Out, kColumns>;
  constexpr int kWords = sizeof(T);  // 32-bit words of a pixel
  constexpr int kColumnBlocks = kColumns / 8;
  constexpr int kGroupsPerStep = sizeof(T) == 1 ? 2 : 1;
  constexpr int kProducts = sizeof(T) == 4 ? 2 : 1;
  const ConvParams& c = p.conv;

  release_next();
  extern __shared__ char shared[];
  uint32_t* weights = reinterpret_cast<uint32_t*>(shared);
  const int weight_words = groups * kColumns * 4 * kWords;
  uint32_t* pixels = weights + weight_words;
  const int window_height = (kTileHeight - 1) * c.stride_height + (c.kernel_height - 1) * c.dilation_height + 1;
  const int window_width = (kTileWidth - 1) * c.stride_width + (c.kernel_width - 1) * c.dilation_width + 1;
  const int window_pixels = window_height * window_width;
  const int buffer_words = (window_pixels * kWords + 3) / 4 * 4;
  int* taps = reinterpret_cast<int*>(pixels + buffer_words);

  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;
  const int first_channel = static_cast<int>(blockIdx.y) * kColumns;
  const auto* packed = static_cast<const uint4*>(c.weights) + static_cast<int64_t>(blockIdx.y) * (weight_words / 4);
  for (int i = thread; i < weight_words / 4; i += kThreads) {
    reinterpret_cast<uint4*>(weights)[i] = __ldg(packed + i);
  }
  for (int i = thread; i < groups * 4; i += kThreads) {
    const int tap = i < c.kernel_height * c.kernel_width ? i : 0;
    taps[i] = tap / c.kernel_width * c.dilation_height * window_width + tap % c.kernel_width * c.dilation_width;
  }

  await_earlier();

  for (uint32_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const uint32_t line = tile / tiles_across;
    const int tile_x = static_cast<int>(tile - line * tiles_across);
    const int image = static_cast<int>(line / tiles_down);
    const int tile_y = static_cast<int>(line - static_cast<uint32_t>(image) * tiles_down);

    __syncthreads();  // the window of the tile before is no longer read, and the weights are there
    stage_window<T, Source>(p, reinterpret_cast<Pack<T, 4>*>(pixels), image,
                            tile_y * kTileHeight * c.stride_height - c.pad_top,
                            tile_x * kTileWidth * c.stride_width - c.pad_left, window_pixels, window_width);
    __syncthreads();

    Acc sums[kRowsPerWarp][kColumnBlocks][4];
#pragma unroll
    for (int i = 0; i < kRowsPerWarp; ++i) {
#pragma unroll
      for (int j = 0; j < kColumnBlocks; ++j) {
#pragma unroll
        for (int k = 0; k < 4; ++k) sums[i][j][k] = first_sum<Acc, kSmallSums>();
      }
    }

    const int row_words = c.stride_height * window_width * kWords;
    const int half_words = 8 * c.stride_width * kWords;
    const uint32_t* window_start =
        pixels + (warp * kRowsPerWarp * c.stride_height * window_width + lane / 4 * c.stride_width) * kWords;
#pragma unroll 2
    for (int group = 0; group < groups; group += kGroupsPerStep) {
      // words[m][h]: the pixel of row g (h = 0) or g + 8 (h = 1) of block m.
      uint32_t a[kProducts][kRowsPerWarp][4];
      if constexpr (kWords == 1) {
        const int low = taps[group * 4 + lane % 4];
        const int high = taps[group * 4 + 4 + lane % 4];
#pragma unroll
        for (int i = 0; i < kRowsPerWarp; ++i) {
          const uint32_t* from = window_start + i * row_words;
          a[0][i][0] = from[low];
          a[0][i][1] = from[low + half_words];
          a[0][i][2] = from[high];
          a[0][i][3] = from[high + half_words];
        }
      } else {
        const int at = taps[group * 4 + lane % 4] * kWords;
#pragma unroll
        for (int i = 0; i < kRowsPerWarp; ++i) {
          const uint32_t* from = window_start + i * row_words + at;
          const auto first = *reinterpret_cast<const Pack<uint32_t, kWords>*>(from);
          const auto second = *reinterpret_cast<const Pack<uint32_t, kWords>*>(from + half_words);
#pragma unroll
          for (int k = 0; k < kProducts; ++k) {
            a[k][i][0] = first.values[2 * k];
            a[k][i][1] = second.values[2 * k];
            a[k][i][2] = first.values[2 * k + 1];
            a[k][i][3] = second.values[2 * k + 1];
          }
        }
      }
      const uint32_t* b_start = weights + group * kColumns * 4 * kWords;
#pragma unroll
      for (int k = 0; k < kProducts; ++k) {
#pragma unroll
        for (int j = 0; j < kColumnBlocks; j += 2) {
          const auto b =
              *reinterpret_cast<const Pack<uint32_t, 4>*>(b_start + ((k * kColumnBlocks + j) * 32 + lane * 2) * 2);
#pragma unroll
          for (int i = 0; i < kRowsPerWarp; ++i) {
            const uint32_t first[2] = {b.values[0], b.values[1]};
            const uint32_t second[2] = {b.values[2], b.values[3]};
            multiply_add<T>(sums[i][j], a[k][i], first);
            multiply_add<T>(sums[i][j + 1], a[k][i], second);
          }
        }
      }
    }

    constexpr int kVector = Order::kVector;
    const int x = tile_x * kTileWidth + lane / 4;
    const int y = tile_y * kTileHeight + warp * kRowsPerWarp;
#pragma unroll
    for (int g = 0; g < Order::kGroups; ++g) {
      const int channel = first_channel + g * 4 * kVector + lane % 4 * kVector;
      if (channel >= c.outputs) continue;
      Epilogue<Acc, Out, kVector, kSmallSums> epilogue;
      epilogue.load(c, channel);
      const bool whole = channel + kVector <= c.outputs && c.output_pitch % kVector == 0;
#pragma unroll
      for (int i = 0; i < kRowsPerWarp; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          if (y + i >= c.out_height || x + h * 8 >= c.out_width) continue;
          float results[kVector];
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            results[v] = epilogue.apply(c, v, sums[i][g * Order::kBlocksPerGroup + v / 2][h * 2 + v % 2]);
          }
          const auto out = round_results<Out>(results);
          Out* to = static_cast<Out*>(c.output) +
                    ((int64_t{image} * c.out_height + y + i) * c.out_width + x + h * 8) * c.output_pitch + channel;
          if (whole) {
            *reinterpret_cast<Pack<Out, kVector>*>(to) = out;
          } else {
#pragma unroll
            for (int v = 0; v < kVector; ++v) {
              if (channel + v < c.outputs) to[v] = out.values[v];
            }
          }
        }
      }
    }
  }
}

template <typename T, typename Source, typename Out, int kColumns, bool kSmallSums>
cudaError_t launch_with(const StemParams& p, cudaStream_t stream) {
  const ConvParams& c = p.conv;
  auto* kernel = conv_stem_kernel<T, Source, Out, kColumns, kSmallSums>;
  static std::atomic<std::uint64_t> allowed{0};
  if (const cudaError_t error = allow_all_shared(kernel, allowed); error != cudaSuccess) return error;
  const size_t bytes = shared_bytes(c, sizeof(T));
  int at_once = 0;
  if (const cudaError_t error = blocks_at_once(kernel, kThreads, bytes, at_once); error != cudaSuccess) return error;
  const int across = (c.out_width + kTileWidth - 1) / kTileWidth;
  const int down = (c.out_height + kTileHeight - 1) / kTileHeight;
  const int64_t tiles = int64_t{c.batch} * across * down;
  const int column_tiles = (c.outputs + kColumns - 1) / kColumns;
  const int64_t slots = std::max(1, at_once / column_tiles);
  const int64_t rounds = (tiles + slots - 1) / slots;
  const dim3 grid(static_cast<unsigned>((tiles + rounds - 1) / rounds), static_cast<unsigned>(column_tiles));
  if (tiles > 0x7fffffff) return cudaErrorInvalidConfiguration;
  return launch_overlapping(kernel, grid, kThreads, bytes, stream, p, tap_groups(c, sizeof(T)), across, down,
                            static_cast<uint32_t>(tiles));
}

template <typename T, typename Source, typename Out, int kColumns>
cudaError_t launch_columns(const StemParams& p, cudaStream_t stream) {
  if constexpr (std::is_same_v<Accumulator<T>, int32_t>) {
    const int depth = p.conv.kernel_height * p.conv.kernel_width * p.conv.channels;
    if (sums_are_small(depth, false)) return launch_with<T, Source, Out, kColumns, true>(p, stream);
  }
  return launch_with<T, Source, Out, kColumns, false>(p, stream);
}

/// Input of type Source, multiplied as T, stored as Out.
template <typename T, typename Source, typename Out>
cudaError_t launch(const StemParams& p, cudaStream_t stream) {
  return column_tile(p.conv) == 64 ? launch_columns<T, Source, Out, 64>(p, stream)
                                   : launch_columns<T, Source, Out, 32>(p, stream);
}

/// 16-bit floats T to T or, where the output is one, to an 8-bit type.
template <typename T>
cudaError_t launch_half(const StemParams& p, cudaStream_t stream) {
  switch (p.out) {
    case Element::kFloat8: return launch<T, T, __nv_fp8_e4m3>(p, stream);
    case Element::kInt8:
    case Element::kUint8: return launch<T, T, int8_t>(p, stream);
    default: return launch<T, T, T>(p, stream);
  }
}

cudaError_t launch_int8(const StemParams& p, cudaStream_t stream);
cudaError_t launch_fp16(const StemParams& p, cudaStream_t stream);
cudaError_t launch_bf16(const StemParams& p, cudaStream_t stream);
cudaError_t launch_tf32(const StemParams& p, cudaStream_t stream);
cudaError_t launch_fp8(const StemParams& p, cudaStream_t stream);

}  // namespace halftone::cuda::stem
