#pragma once
#include "cuda/conv_wgmma.h"

#include <algorithm>

#include "cuda/conv_gemm.cuh"
#include "cuda/dependency.cuh"
#include "cuda/launch.h"
#include "cuda/tensor_map.h"
#include "cuda/wgmma.cuh"

namespace halftone::cuda {

/// A block computes 64 pixels a warpgroup x kColumns channels, tile after tile down the same channels. Where a warp of
/// its own feeds the stages (kFed), no warp that multiplies waits for the others to leave one; it costs all of them
/// registers. Tiles of 256 columns have a warpgroup for it, which leaves its registers to the others.
template <int kGroups_, int kColumns_, int kStages_, int kBlocks_, int kPart_ = 0, int kDepth_ = 128,
          bool kFed_ = false>
struct WgmmaTile {
  static constexpr int kGroups = kGroups_;
  static constexpr int kColumns = kColumns_;
  static constexpr int kStages = kStages_;
  static constexpr int kBlocks = kBlocks_;  // wanted on one multiprocessor
  static constexpr int kPart = kPart_;      // stages the tensor cores sum by themselves; 0: all
  static constexpr int kRows = 64 * kGroups;
  static constexpr bool kFed = kFed_;
  static constexpr int kMultiplyThreads = 128 * kGroups;
  static constexpr int kThreads = kMultiplyThreads + (!kFed ? 0 : kColumns == 256 ? 128 : 32);
  static constexpr int kDepth = kDepth_;  // bytes of the inner dimension a stage holds: 128, or one slab of 64
  static constexpr int kStageBytes = (kRows + kColumns) * kDepth;
  static constexpr int kAhead = kStages > 3 ? kStages - 1 : kStages;  // stages in flight
  static constexpr int kAlignment = 1024;                             // of swizzled operands
  static constexpr int kSharedBytes = kStageBytes * kStages + kAlignment;
};

struct WgmmaPlan {
  WgmmaDepth depth;
  int column_tiles = 1;
  int row_tiles = 1;
  int across = 1;  // blocks that share the row tiles of one column tile
  int padded_outputs = 64;
  bool rows = false;  // pixels are rows of a matrix: no windows
  bool adds = false;  // the residual comes as a stage of its own, after a tile's slabs
};

/// What is added is of the input's type; of bytes, signed or not.
template <typename T>
using WgmmaResidual = std::conditional_t<std::is_same_v<Accumulator<T>, int32_t>, int8_t, T>;

/// Bytes of a residual's row that lie together: those of four threads, which share 64 columns' groups.
template <typename T, typename Out>
constexpr int kAddedBytes = 4 * ColumnOrder<Out, 64>::kVector* static_cast<int>(sizeof(WgmmaResidual<T>));

#ifdef HALFTONE_HOPPER
/// Goes over a block's tiles, stage by stage, ahead of their products. Only one thread of the block copies.
template <typename T, typename Out, typename Tile>
struct Feeder {
  using Residual = WgmmaResidual<T>;
  static constexpr int kTogether = kAddedBytes<T, Out>;

  const char* first_weights;
  const char* weights;
  int tile, slab, slab_in_tap, tap_x, tap_y;
  int row, column, x, y, image;
  int stage;
  uint32_t parity;

  __device__ void start(const ConvParams& p, const WgmmaPlan& plan, int first_tile) {
    const int column_tile = static_cast<int>(blockIdx.x) % plan.column_tiles;
    first_weights = static_cast<const char*>(p.weights) +
                    static_cast<int64_t>(column_tile) * Tile::kColumns * plan.depth.slab_bytes;
    column = column_tile * Tile::kColumns;
    tile = first_tile;
    slab = slab_in_tap = tap_x = tap_y = stage = 0;
    parity = 1;
    start_tile(p, plan);
  }

  __device__ void start_tile(const ConvParams& p, const WgmmaPlan& plan) {
    weights = first_weights;
    row = tile * Tile::kRows;
    if (plan.rows) return;
    const int line = row / p.out_width;
    image = line / p.out_height;
    x = (row - line * p.out_width) * p.stride_width - p.pad_left;
    y = (line - image * p.out_height) * p.stride_height - p.pad_top;
  }

  /// Fills the next stage as soon as all warps have left it; nothing once the last tile is through.
  template <bool kWeights = true, bool kPixels = true>
  __device__ void fill_stage(const ConvParams& p, const WgmmaPlan& plan, const CUtensorMap& map,
                             const CUtensorMap& residual, uint32_t stages, uint32_t full, uint32_t empty) {
    if (tile >= plan.row_tiles) return;
    const uint32_t to = stages + stage * Tile::kStageBytes;
    const uint32_t barrier = full + stage * 8;
    wait_barrier(empty + stage * 8, parity);
    if (slab < plan.depth.slabs) {
      fill_slabs<kWeights, kPixels>(p, plan, map, to, barrier);
    } else {
      if constexpr (kPixels) fill_residual(plan, residual, to, barrier);
      ++slab;
    }
    if (slab == plan.depth.slabs + (plan.adds ? 1 : 0)) {
      slab = slab_in_tap = tap_x = tap_y = 0;
      tile += plan.across;
      start_tile(p, plan);
    }
    if (++stage == Tile::kStages) {
      stage = 0;
      parity ^= 1;
    }
  }

  template <bool kWeights, bool kPixels>
  __device__ void fill_slabs(const ConvParams& p, const WgmmaPlan& plan, const CUtensorMap& map, uint32_t pixels_to,
                             uint32_t barrier) {
    const int slab_bytes = plan.depth.slab_bytes;
    const int count = Tile::kDepth / slab_bytes;
    uint32_t weights_to = pixels_to + Tile::kRows * Tile::kDepth;
    if constexpr (kWeights) arrive_expecting(barrier, (Tile::kRows + Tile::kColumns) * Tile::kDepth);
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
      const bool filler = tap_y == p.kernel_height;  // beyond the channels there are zeros
      const int channel = filler ? p.channels : slab_in_tap * (slab_bytes / static_cast<int>(sizeof(T)));
      if constexpr (kPixels) {
        if (plan.rows) {
          copy_rows(pixels_to, map, channel, row, barrier);
        } else {
          copy_pixels(pixels_to, map, channel, x, y, image, tap_x * p.dilation_width, tap_y * p.dilation_height,
                      barrier);
        }
      }
      if constexpr (kWeights) copy_bulk(weights_to, weights, Tile::kColumns * slab_bytes, barrier);
      pixels_to += Tile::kRows * slab_bytes;
      weights_to += Tile::kColumns * slab_bytes;
      weights += int64_t{plan.padded_outputs} * slab_bytes;
      if (++slab_in_tap == plan.depth.slabs_per_tap) {
        slab_in_tap = 0;
        if (++tap_x == p.kernel_width) {
          tap_x = 0;
          ++tap_y;
        }
      }
    }
    slab += count;
  }

  __device__ void fill_residual(const WgmmaPlan& plan, const CUtensorMap& residual, uint32_t to, uint32_t barrier) {
    constexpr int kBytes = Tile::kColumns * static_cast<int>(sizeof(Residual));
    arrive_expecting(barrier, Tile::kRows * kBytes);
#pragma unroll 1
    for (int byte = 0; byte < kBytes; byte += kTogether) {
      copy_rows(to, residual, column + byte / static_cast<int>(sizeof(Residual)), row, barrier);
      to += Tile::kRows * kTogether;
    }
  }
};

// Values travel as whole words: a struct of bytes would be taken apart and put together byte by byte.

/// Four neighbouring results as they are stored.
template <typename Out>
__device__ __forceinline__ void pack_four(const float (&x)[4], uint32_t* words) {
  if constexpr (std::is_same_v<Out, int8_t>) {
    const uint32_t low = __byte_perm(__float_as_uint(x[0]), __float_as_uint(x[1]), 0x0040);
    const uint32_t high = __byte_perm(__float_as_uint(x[2]), __float_as_uint(x[3]), 0x0040);
    words[0] = __byte_perm(low, high, 0x5410);
  } else if constexpr (std::is_same_v<Out, __nv_fp8_e4m3>) {
    asm("{ .reg .b16 low, high; cvt.rn.satfinite.e4m3x2.f32 low, %2, %1; cvt.rn.satfinite.e4m3x2.f32 high, %4, %3;"
        " mov.b32 %0, {low, high}; }"
        : "=r"(words[0])
        : "f"(x[0]), "f"(x[1]), "f"(x[2]), "f"(x[3]));
  } else if constexpr (std::is_same_v<Out, float>) {
#pragma unroll
    for (int i = 0; i < 4; ++i) words[i] = __float_as_uint(x[i]);
  } else if constexpr (std::is_same_v<Out, __nv_bfloat16>) {
    asm("cvt.rn.bf16x2.f32 %0, %2, %1;" : "=r"(words[0]) : "f"(x[0]), "f"(x[1]));
    asm("cvt.rn.bf16x2.f32 %0, %2, %1;" : "=r"(words[1]) : "f"(x[2]), "f"(x[3]));
  } else {
    static_assert(std::is_same_v<Out, __half>);
    asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(words[0]) : "f"(x[0]), "f"(x[1]));
    asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(words[1]) : "f"(x[2]), "f"(x[3]));
  }
}

/// Four neighbouring residuals as floats.
template <typename Residual>
__device__ __forceinline__ void unpack_four(const ConvParams& p, const uint32_t* words, float (&x)[4]) {
  if constexpr (std::is_same_v<Residual, int8_t>) {
    residual_values(p, *reinterpret_cast<const Pack<int8_t, 4>*>(words), x);
  } else if constexpr (std::is_same_v<Residual, __nv_bfloat16>) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      x[2 * i] = __uint_as_float(words[i] << 16);
      x[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000U);
    }
  } else {
    uint32_t halves[2];
    if constexpr (std::is_same_v<Residual, __nv_fp8_e4m3>) {
      asm("{ .reg .b16 low, high; mov.b32 {low, high}, %2; cvt.rn.f16x2.e4m3x2 %0, low; cvt.rn.f16x2.e4m3x2 %1, high; }"
          : "=r"(halves[0]), "=r"(halves[1])
          : "r"(words[0]));
    } else {
      static_assert(std::is_same_v<Residual, __half>);
      halves[0] = words[0];
      halves[1] = words[1];
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const float2 pair = __half22float2(*reinterpret_cast<const __half2*>(&halves[i]));
      x[2 * i] = pair.x;
      x[2 * i + 1] = pair.y;
    }
  }
}

/// Adds to the sums of the upper or lower half of a thread's rows what lies outside the picture.
template <typename Order, int kVectors, typename Acc, int kSums>
__device__ __forceinline__ void add_border(const ConvParams& p, int kind, int half, int column, Acc (&sums)[kSums]) {
  const auto* border = static_cast<const Acc*>(p.border) + int64_t{kind} * p.border_pitch;
#pragma unroll
  for (int g = 0; g < kVectors; ++g) {
    const int channel = column + g * 4 * Order::kVector;
    if (channel >= p.outputs) continue;
    asm volatile("" ::: "memory");  // else all numbers are loaded at once, and sums are spilled for them
    uint4 words[Order::kVector / 4];
#pragma unroll
    for (int q = 0; q < Order::kVector / 4; ++q) words[q] = *reinterpret_cast<const uint4*>(border + channel + 4 * q);
#pragma unroll
    for (int q = 0; q < Order::kVector / 4; ++q) {
      Acc* to = sums + (g * Order::kBlocksPerGroup + 2 * q) * 4 + half * 2;
      const uint32_t four[4] = {words[q].x, words[q].y, words[q].z, words[q].w};
#pragma unroll
      for (int v = 0; v < 4; ++v) {
        if constexpr (std::is_same_v<Acc, float>) to[v / 2 * 4 + v % 2] += __uint_as_float(four[v]);
        else to[v / 2 * 4 + v % 2] += static_cast<Acc>(four[v]);
      }
    }
  }
}

__device__ __forceinline__ void load_shared(uint32_t (&words)[1], uint32_t address) {
  asm volatile("ld.shared.u32 %0,[%1];" : "=r"(words[0]) : "r"(address));
}
__device__ __forceinline__ void load_shared(uint32_t (&words)[2], uint32_t address) {
  asm volatile("ld.shared.v2.u32 {%0,%1},[%2];" : "=r"(words[0]), "=r"(words[1]) : "r"(address));
}
template <int kWords>
__device__ __forceinline__ void load_shared(uint32_t (&words)[kWords], uint32_t address) {
  static_assert(kWords % 4 == 0);
#pragma unroll
  for (int i = 0; i < kWords; i += 4) {
    asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3},[%4];"
                 : "=r"(words[i]), "=r"(words[i + 1]), "=r"(words[i + 2]), "=r"(words[i + 3])
                 : "r"(address + 4 * i));
  }
}
#endif

template <typename T, typename Out, typename Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    conv_wgmma_kernel(const __grid_constant__ CUtensorMap map, const __grid_constant__ CUtensorMap residual_map,
                      const ConvParams p, const WgmmaPlan plan) {
#ifdef HALFTONE_HOPPER
  using Acc = Accumulator<T>;
  using Order = ColumnOrder<Out, 64>;
  using Quad = Epilogue<Acc, Out, 4>;
  constexpr int kVector = Order::kVector;
  constexpr int kVectors = Tile::kColumns / (4 * kVector);  // a thread's share of one row
  constexpr int kSums = Tile::kColumns / 2;
  using Residual = WgmmaResidual<T>;
  constexpr int kWords = static_cast<int>(sizeof(Out));  // of four values
  constexpr int kAddedWords = static_cast<int>(sizeof(Residual));
  constexpr int kTogether = kAddedBytes<T, Out>;

  extern __shared__ char shared[];
  __shared__ uint64_t barriers[2 * Tile::kStages];
  __shared__ Feeder<T, Out, Tile> feeder;
  __shared__ alignas(16) float scales[Tile::kColumns];
  __shared__ alignas(16) float biases[Tile::kColumns];
  const uint32_t stages = (shared_address(shared) + Tile::kAlignment - 1) / Tile::kAlignment * Tile::kAlignment;
  const uint32_t full = shared_address(barriers);
  const uint32_t empty = full + Tile::kStages * 8;
  const int thread = static_cast<int>(threadIdx.x);
  const int first_column = static_cast<int>(blockIdx.x) % plan.column_tiles * Tile::kColumns;
  const int first_tile = static_cast<int>(blockIdx.x) / plan.column_tiles;
  constexpr int kFeeding = Tile::kFed ? Tile::kMultiplyThreads : 0;
  constexpr int kLoading = Tile::kMultiplyThreads - (Tile::kFed ? 0 : 32);
  if (thread == kFeeding) {
    prefetch_map(map);
    if (plan.adds) prefetch_map(residual_map);
    for (int s = 0; s < Tile::kStages; ++s) {
      start_barrier(full + s * 8, 1);
      start_barrier(empty + s * 8, Tile::kGroups * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    feeder.start(p, plan, first_tile);
#pragma unroll 1
    for (int s = 0; s < Tile::kAhead; ++s) {
      feeder.template fill_stage<true, false>(p, plan, map, residual_map, stages, full, empty);
    }
    await_earlier();
    feeder.start(p, plan, first_tile);
#pragma unroll 1
    for (int s = 0; s < Tile::kAhead; ++s) {
      feeder.template fill_stage<false, true>(p, plan, map, residual_map, stages, full, empty);
    }
  }
  // The warp that feeds has no part in what the others load: its pixels would wait for that.
  const int loading = Tile::kFed ? thread : thread - 32;
  Quad quad;
  if (loading >= 0 && loading < kLoading) {
    for (int c = loading; c < Tile::kColumns; c += kLoading) {
      Epilogue<Acc, Out, 1> one;
      one.load(p, first_column + c);
      scales[c] = one.scale[0];
      biases[c] = one.bias[0];
    }
  }
  quad.load(p, p.outputs);
  await_earlier();
  __syncthreads();
  if constexpr (Tile::kFed) {
    constexpr bool kGroupFeeds = Tile::kThreads - Tile::kMultiplyThreads == 128;
    if (thread >= Tile::kMultiplyThreads) {
      if constexpr (kGroupFeeds) asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
      if (thread == kFeeding) {
#pragma unroll 1
        while (feeder.tile < plan.row_tiles) feeder.fill_stage(p, plan, map, residual_map, stages, full, empty);
      }
      return;
    }
    static_assert(!kGroupFeeds || (Tile::kGroups == 2 && Tile::kBlocks == 1));  // all begin with 168 registers
    if constexpr (kGroupFeeds) asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
  }

  const int group = thread / 128;
  const int lane = thread % 32;
  const int row_in_tile = group * 64 + thread % 128 / 32 * 16 + lane / 4;
  const int slab_bytes = plan.depth.slab_bytes;
  const int steps = plan.depth.slabs * slab_bytes / Tile::kDepth;
  const int part = Tile::kPart > 0 ? Tile::kPart : steps;
  const int64_t pixels = int64_t{p.batch} * p.out_height * p.out_width;
  const int column = first_column + lane % 4 * kVector;
  auto* output = static_cast<Out*>(p.output);
  // From the first 64 bytes of a stage's depth to the second, as operands count: along the slab, or to the next.
  [[maybe_unused]] const int next_pixels = slab_bytes == 128 ? 4 : Tile::kRows * 64 / 16;
  [[maybe_unused]] const int next_weights = slab_bytes == 128 ? 4 : Tile::kColumns * 64 / 16;
  int stage = 0;
  uint32_t parity = 0;
  auto next_stage = [&] {
    if (++stage == Tile::kStages) {
      stage = 0;
      parity ^= 1;
    }
  };
  auto multiply_stage = [&](Acc(&sums)[kSums], int keep) {
    const uint32_t pixels_at = stages + stage * Tile::kStageBytes + group * 64 * slab_bytes;
    const uint64_t a = operand(pixels_at, slab_bytes);
    const uint64_t b = operand(stages + stage * Tile::kStageBytes + Tile::kRows * Tile::kDepth, slab_bytes);
    wait_barrier(full + stage * 8, parity);
    begin_products();
    multiply_group(T{}, sums, a, b, keep);
    multiply_group(T{}, sums, a + 2, b + 2, 1);
    if constexpr (Tile::kDepth == 128) {
      multiply_group(T{}, sums, a + next_pixels, b + next_weights, 1);
      multiply_group(T{}, sums, a + next_pixels + 2, b + next_weights + 2, 1);
    }
    commit_products();
  };
  auto leave = [&](int which) {
    __syncwarp();
    if (lane == 0) arrive(empty + which * 8);
    if constexpr (!Tile::kFed) {
      if (thread == kFeeding) {
        asm volatile("" ::: "memory");  // or all threads read what this one writes, to no end
        feeder.fill_stage(p, plan, map, residual_map, stages, full, empty);
      }
      __syncwarp();
    }
  };

  for (int tile = first_tile; tile < plan.row_tiles; tile += plan.across) {
    Acc sums[kSums];
    Acc total[Tile::kPart > 0 ? kSums : 1];
    if constexpr (Tile::kPart > 0) {
#pragma unroll
      for (int i = 0; i < kSums; ++i) total[i] = Acc{0};
    }
#pragma unroll 1
    for (int first = 0; first < steps; first += part) {
      const int after = min(first + part, steps);
      multiply_stage(sums, 0);
#pragma unroll 1
      for (int step = first + 1; step < after; ++step) {
        const int previous = stage;
        next_stage();
        multiply_stage(sums, 1);
        wait_products<1>();
        leave(previous);
      }
      wait_products<0>();
      leave(stage);
      next_stage();
      if constexpr (Tile::kPart > 0) {
#pragma unroll
        for (int i = 0; i < kSums; ++i) total[i] += sums[i];
      }
    }
    if constexpr (Tile::kPart > 0) {
#pragma unroll
      for (int i = 0; i < kSums; ++i) sums[i] = total[i];
    }

    if (tile + plan.across >= plan.row_tiles) release_next();
    const int64_t row = int64_t{tile} * Tile::kRows + row_in_tile;
    if (p.border != nullptr) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const auto m = static_cast<uint32_t>(row + h * 8);
        const uint32_t line = m / static_cast<uint32_t>(p.out_width);
        const uint32_t y = line % static_cast<uint32_t>(p.out_height);
        const int kind = border_row(p, static_cast<int>(y), static_cast<int>(m - line * p.out_width));
        if (kind > 0) add_border<Order, kVectors>(p, kind, h, column, sums);
      }
    }
    const uint32_t added_at =
        stages + stage * Tile::kStageBytes + row_in_tile * kTogether + lane % 4 * kVector * sizeof(Residual);
    if (plan.adds) wait_barrier(full + stage * 8, parity);
#pragma unroll
    for (int g = 0; g < kVectors; ++g) {
      const int channel = column + g * 4 * kVector;
      if (channel >= p.outputs) continue;
      uint32_t out[2][4];
      uint32_t added[2][kVector / 4 * kAddedWords];
      if (plan.adds) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          load_shared(added[h], added_at + (g * Tile::kRows + h * 8) * kTogether);
        }
      }
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
          if (plan.adds) {
            float values[4];
            unpack_four<Residual>(p, added[h] + q * kAddedWords, values);
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
        const int64_t m = row + h * 8;
        if (m >= pixels) continue;
        *reinterpret_cast<uint4*>(output + m * p.output_pitch + channel) =
            make_uint4(out[h][0], out[h][1], out[h][2], out[h][3]);
      }
    }
    if (plan.adds) {
      leave(stage);
      next_stage();
    }
  }
#endif
}

/// Whether a tile's residual fills no more than a stage.
template <typename T, typename Tile>
constexpr bool kAdds = Tile::kRows* Tile::kColumns* static_cast<int>(sizeof(WgmmaResidual<T>)) <= Tile::kStageBytes;

template <typename T, typename Out, typename Tile>
cudaError_t launch_conv_wgmma(const ConvParams& p, cudaStream_t stream) {
  auto* kernel = conv_wgmma_kernel<T, Out, Tile>;
  static std::atomic<std::uint64_t> allowed{0};
  if (const cudaError_t error = allow_shared(kernel, Tile::kSharedBytes, allowed); error != cudaSuccess) return error;
  int device = 0;
  int processors = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (error != cudaSuccess) return error;
  constexpr int kVector = ColumnOrder<Out, 64>::kVector;
  if (p.outputs % kVector != 0 || p.output_pitch % kVector != 0) return cudaErrorInvalidValue;
  WgmmaPlan plan;
  plan.depth = wgmma_depth(p, static_cast<int>(sizeof(T)));
  if (Tile::kDepth < plan.depth.slab_bytes) return cudaErrorInvalidValue;
  if (Tile::kDepth == 64) plan.depth.slabs = plan.depth.slabs_per_tap * p.kernel_height * p.kernel_width;
  plan.column_tiles = (p.outputs + Tile::kColumns - 1) / Tile::kColumns;
  plan.padded_outputs = plan.column_tiles * Tile::kColumns;
  plan.rows = reads_rows(p);
  plan.adds = p.residual != nullptr;
  if (plan.adds && !kAdds<T, Tile>) return cudaErrorInvalidValue;
  const int64_t row_tiles = (output_pixels(p) + Tile::kRows - 1) / Tile::kRows;
  const int slots = std::max(1, processors * Tile::kBlocks / plan.column_tiles);
  if (row_tiles <= 0 || (row_tiles + slots) * Tile::kRows > 0x7fffffff) return cudaErrorInvalidConfiguration;
  plan.row_tiles = static_cast<int>(row_tiles);
  const int rounds = (plan.row_tiles + slots - 1) / slots;
  plan.across = (plan.row_tiles + rounds - 1) / rounds;
  CUtensorMap map{}, residual_map{};
  error = map_pixels(map, p, static_cast<int>(sizeof(T)), plan.depth.slab_bytes, Tile::kRows);
  if (error == cudaSuccess && plan.adds) {
    constexpr int kBytes = static_cast<int>(sizeof(WgmmaResidual<T>));
    error = map_rows(residual_map, p.residual, output_pixels(p), p.outputs, kBytes, Tile::kRows,
                     kAddedBytes<T, Out> / kBytes);
  }
  if (error != cudaSuccess) return error;
  return launch_overlapping(kernel, static_cast<unsigned>(plan.across * plan.column_tiles), Tile::kThreads,
                            Tile::kSharedBytes, stream, map, residual_map, p, plan);
}

template <typename T, typename Out, typename Tile>
constexpr ConvWgmmaConfig conv_wgmma_config(std::string_view name, int most_depth = 1 << 30) {
  return {name,
          Tile::kRows,
          Tile::kColumns,
          Tile::kBlocks,
          ColumnOrder<Out, 64>::kVector,
          Tile::kDepth,
          most_depth,
          kAdds<T, Tile>,
          launch_conv_wgmma<T, Out, Tile>};
}

}  // namespace halftone::cuda
