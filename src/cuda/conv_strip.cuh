#pragma once
#include "cuda/conv_strip.h"

#include <algorithm>

#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

/// Four warpgroups go over strips of their own, kBuffers at once in shared memory, and share the weights there.
template <int kColumns_, int kSlab_, int kBuffers_>
struct StripTile {
  static constexpr int kColumns = kColumns_;
  static constexpr int kSlab = kSlab_;
  static constexpr int kBuffers = kBuffers_;
  static constexpr int kGroups = 4;
  static constexpr int kThreads = 128 * kGroups;
  static constexpr int kTaps = 9;
  static constexpr int kTapBytes = kColumns * kSlab;
  static constexpr int kWeightBytes = kTaps * kTapBytes;
  static constexpr int kAlignment = 1024;  // of swizzled operands
};

#ifdef HALFTONE_HOPPER
/// A box of an image, from (x, y) on; what lies outside is zero.
__device__ __forceinline__ void copy_box(uint32_t shared, const CUtensorMap& map, int x, int y, int image,
                                         uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], "
      "[%6];" ::"r"(shared),
      "l"(&map), "r"(0), "r"(x), "r"(y), "r"(image), "r"(barrier)
      : "memory");
}
__device__ __forceinline__ void meet_group(int group) { asm volatile("bar.sync %0, 128;" ::"r"(group + 1) : "memory"); }
#endif

template <typename T, typename Out, typename Tile>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    conv_strip_kernel(const __grid_constant__ CUtensorMap map, const ConvParams p, const StripPlan plan, int strips) {
#ifdef HALFTONE_HOPPER
  using Acc = Accumulator<T>;
  using Order = ColumnOrder<Out, 64>;
  using Quad = Epilogue<Acc, Out, 4>;
  using Residual = WgmmaResidual<T>;
  static_assert(sizeof(Residual) == sizeof(Out));
  constexpr int kVector = Order::kVector;
  constexpr int kVectors = Tile::kColumns / (4 * kVector);
  constexpr int kSums = Tile::kColumns / 2;
  constexpr int kWords = static_cast<int>(sizeof(Out));  // of four values
  extern __shared__ char shared[];
  __shared__ uint64_t barriers[1 + Tile::kGroups * Tile::kBuffers];
  __shared__ alignas(16) float scales[Tile::kColumns];
  __shared__ alignas(16) float biases[Tile::kColumns];
  const uint32_t weights = (shared_address(shared) + Tile::kAlignment - 1) / Tile::kAlignment * Tile::kAlignment;
  const uint32_t weights_full = shared_address(barriers);
  const int thread = static_cast<int>(threadIdx.x);
  const int group = thread / 128;
  const int lane = thread % 32;
  const int row_in_tile = thread % 128 / 32 * 16 + lane / 4;
  const int first_column = static_cast<int>(blockIdx.y) * Tile::kColumns;
  const uint32_t buffers = weights + Tile::kWeightBytes + group * Tile::kBuffers * plan.strip_bytes;
  const uint32_t full = weights_full + 8 + group * Tile::kBuffers * 8;
  const bool leads = thread % 128 == 0;  // its warpgroup's copies
  const int step = static_cast<int>(gridDim.x) * Tile::kGroups;
  const int first_strip = static_cast<int>(blockIdx.x) * Tile::kGroups + group;

  auto fetch = [&](int strip, int buffer) {
    const int image = strip / plan.strips_down;
    const int y = (strip - image * plan.strips_down) * plan.lines;
    arrive_expecting(full + buffer * 8, (plan.lines + 2) * plan.pitch * Tile::kSlab);
    copy_box(buffers + buffer * plan.strip_bytes, map, -p.pad_left, y - p.pad_top, image, full + buffer * 8);
  };
  if (leads) {
    for (int b = 0; b < Tile::kBuffers; ++b) start_barrier(full + 8 * b, 1);
    if (thread == 0) {
      prefetch_map(map);
      start_barrier(weights_full, 1);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    if (thread == 0) {
      arrive_expecting(weights_full, Tile::kWeightBytes);
      const auto* from = static_cast<const char*>(p.weights) + int64_t{first_column} * Tile::kSlab;
      for (int tap = 0; tap < Tile::kTaps; ++tap) {
        copy_bulk(weights + tap * Tile::kTapBytes, from + int64_t{tap} * plan.padded_outputs * Tile::kSlab,
                  Tile::kTapBytes, weights_full);
      }
    }
    await_earlier();
    for (int b = 0; b < Tile::kBuffers && first_strip + b * step < strips; ++b) fetch(first_strip + b * step, b);
  }
  // Warps that fetch have no part in what the others load: their strips would wait for that.
  Quad quad;
  if (thread % 128 >= 32) {
    for (int c = group * 96 + thread % 128 - 32; c < Tile::kColumns; c += Tile::kGroups * 96) {
      Epilogue<Acc, Out, 1> one;
      one.load(p, first_column + c);
      scales[c] = one.scale[0];
      biases[c] = one.bias[0];
    }
  }
  quad.load(p, p.outputs);
  await_earlier();
  __syncthreads();
  wait_barrier(weights_full, 0);

  const uint64_t right = operand(weights, Tile::kSlab);
  const int column = first_column + lane % 4 * kVector;
  auto* output = static_cast<Out*>(p.output);
  const auto* residual = static_cast<const Residual*>(p.residual);
  int buffer = 0;
  uint32_t parity = 0;
  for (int strip = first_strip; strip < strips; strip += step) {
    const int image = strip / plan.strips_down;
    const int first_line = (strip - image * plan.strips_down) * plan.lines;
    const int lines = min(plan.lines, p.out_height - first_line);
    const int64_t first_pixel = (int64_t{image} * p.out_height + first_line) * p.out_width;
    wait_barrier(full + buffer * 8, parity);
    if (strip + step >= strips) release_next();
#pragma unroll 1
    for (int tile = 0; tile < plan.tiles; ++tile) {
      Acc sums[kSums];
      const uint32_t pixels = buffers + buffer * plan.strip_bytes + tile * 64 * Tile::kSlab;
      begin_products();
#pragma unroll
      for (int tap = 0; tap < Tile::kTaps; ++tap) {
        const uint64_t left = operand(pixels + (tap / 3 * plan.pitch + tap % 3) * Tile::kSlab, Tile::kSlab);
#pragma unroll
        for (int k = 0; k < Tile::kSlab / 32; ++k) {
          multiply_group(T{}, sums, left + 2 * k, right + tap * (Tile::kTapBytes / 16) + 2 * k, tap + k > 0 ? 1 : 0);
        }
      }
      commit_products();
      int64_t at[2];  // of the thread's rows in the output
      bool inside[2];
      uint32_t kinds = 0;  // of borders, 16 bits each
      uint32_t added[2][kVectors][4];
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int m = tile * 64 + row_in_tile + h * 8;
        const int line = m / plan.pitch;
        const int x = m - line * plan.pitch;
        inside[h] = line < lines && x < p.out_width;
        if (p.border != nullptr && inside[h]) {
          kinds |= static_cast<uint32_t>(border_row_of_3x3(p, first_line + line, x)) << 16 * h;
        }
        at[h] = (first_pixel + line * p.out_width + x) * p.output_pitch + column;
        if (residual != nullptr && inside[h]) {
#pragma unroll
          for (int g = 0; g < kVectors; ++g) {
            if (column + g * 4 * kVector >= p.outputs) continue;
            const uint4 four = *reinterpret_cast<const uint4*>(residual + at[h] + g * 4 * kVector);
            added[h][g][0] = four.x, added[h][g][1] = four.y, added[h][g][2] = four.z, added[h][g][3] = four.w;
          }
        }
      }
      wait_products<0>();
      if (tile + 1 == plan.tiles) {
        meet_group(group);
        if (leads && strip + Tile::kBuffers * step < strips) fetch(strip + Tile::kBuffers * step, buffer);
      }
      if (p.border != nullptr) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const int kind = static_cast<int>(kinds >> 16 * h & 0xffff);
          if (kind > 0) add_border<Order, kVectors>(p, kind, h, column, sums);
        }
      }
#pragma unroll
      for (int g = 0; g < kVectors; ++g) {
        const int channel = column + g * 4 * kVector;
        if (channel >= p.outputs) continue;
        uint32_t out[2][4];
#pragma unroll
        for (int q = 0; q < kVector / 4; ++q) {
          asm volatile("" ::: "memory");  // else all numbers are loaded at once, and sums are spilled for them
          const float4 scale = *reinterpret_cast<const float4*>(scales + channel - first_column + 4 * q);
          const float4 bias = *reinterpret_cast<const float4*>(biases + channel - first_column + 4 * q);
          quad.scale[0] = scale.x, quad.scale[1] = scale.y, quad.scale[2] = scale.z, quad.scale[3] = scale.w;
          quad.bias[0] = bias.x, quad.bias[1] = bias.y, quad.bias[2] = bias.z, quad.bias[3] = bias.w;
#pragma unroll
          for (int h = 0; h < 2; ++h) {
            float results[4];
            const Acc* four = sums + (g * Order::kBlocksPerGroup + 2 * q) * 4 + h * 2;
            if (residual != nullptr) {
              float values[4];
              unpack_four<Residual>(p, added[h][g] + q * kWords, values);
#pragma unroll
              for (int v = 0; v < 4; ++v) results[v] = quad.apply(p, v, four[v / 2 * 4 + v % 2], values[v]);
            } else {
#pragma unroll
              for (int v = 0; v < 4; ++v) results[v] = quad.apply(p, v, four[v / 2 * 4 + v % 2]);
            }
            pack_four<Out>(results, out[h] + q * kWords);
          }
        }
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          if (inside[h])
            *reinterpret_cast<uint4*>(output + at[h] + g * 4 * kVector) =
                make_uint4(out[h][0], out[h][1], out[h][2], out[h][3]);
        }
      }
    }
    if (++buffer == Tile::kBuffers) {
      buffer = 0;
      parity ^= 1;
    }
  }
#endif
}

template <typename T, typename Out, typename Tile>
cudaError_t launch_conv_strip(const ConvParams& p, cudaStream_t stream);

template <typename T, typename Out, typename Tile>
constexpr ConvStripConfig conv_strip_config(std::string_view name) {
  return {name,
          Tile::kColumns,
          Tile::kSlab,
          Tile::kBuffers,
          ColumnOrder<Out, 64>::kVector,
          launch_conv_strip<T, Out, Tile>};
}

template <typename T, typename Out, typename Tile>
cudaError_t launch_conv_strip(const ConvParams& p, cudaStream_t stream) {
  auto* kernel = conv_strip_kernel<T, Out, Tile>;
  static std::atomic<std::uint64_t> allowed{0};
  int device = 0, processors = 0, limit = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  if (error != cudaSuccess) return error;
  limit -= kStripStaticBytes;
  if (error = allow_shared(kernel, limit, allowed); error != cudaSuccess) return error;
  const StripPlan plan = plan_strips(p, conv_strip_config<T, Out, Tile>(""), limit);
  const int64_t strips = int64_t{p.batch} * plan.strips_down;
  if (plan.lines == 0 || strips > 0x3fffffff) return cudaErrorInvalidConfiguration;
  CUtensorMap map{};
  if (error = map_strips(map, p, static_cast<int>(sizeof(T)), plan.pitch, plan.lines + 2); error != cudaSuccess)
    return error;
  const int column_tiles = plan.padded_outputs / Tile::kColumns;
  const int64_t wanted = (strips + Tile::kGroups - 1) / Tile::kGroups;
  const int64_t slots = std::max(1, processors / column_tiles);
  const int64_t rounds = (wanted + slots - 1) / slots;
  const dim3 grid(static_cast<unsigned>((wanted + rounds - 1) / rounds), static_cast<unsigned>(column_tiles));
  const int bytes = Tile::kAlignment + Tile::kWeightBytes + Tile::kGroups * Tile::kBuffers * plan.strip_bytes;
  return launch_overlapping(kernel, grid, Tile::kThreads, bytes, stream, map, p, plan, static_cast<int>(strips));
}

/// The tiles for an 8-bit and for a 16-bit type, which conv_strip_*_sm90a.cu compile.
template <typename T>
inline constexpr ConvStripConfig kByteStrips[] = {
    conv_strip_config<T, T, StripTile<64, 64, 2>>("64/64"),
    conv_strip_config<T, T, StripTile<64, 64, 1>>("64/64/1"),
    conv_strip_config<T, T, StripTile<128, 128, 1>>("128/128"),
    conv_strip_config<T, T, StripTile<64, 128, 1>>("64/128"),
};
template <typename T>
inline constexpr ConvStripConfig kHalfStrips[] = {
    conv_strip_config<T, T, StripTile<64, 128, 1>>("64/128"),
    conv_strip_config<T, T, StripTile<64, 64, 2>>("64/64"),
    conv_strip_config<T, T, StripTile<64, 64, 1>>("64/64/1"),
};

}  // namespace halftone::cuda
