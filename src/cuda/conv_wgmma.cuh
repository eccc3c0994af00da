#pragma once
#include "cuda/conv_wgmma.h"

#include <algorithm>

#include "cuda/conv_gemm.cuh"
#include "cuda/tensor_map.h"
#include "cuda/wgmma.cuh"

namespace halftone::cuda {

/// A block computes 64 pixels a warpgroup x kColumns channels.
template <int kGroups_, int kColumns_, int kStages_, int kBlocks_, bool kPromote_ = false>
struct WgmmaTile {
  static constexpr int kGroups = kGroups_;
  static constexpr int kColumns = kColumns_;
  static constexpr int kStages = kStages_;
  static constexpr int kBlocks = kBlocks_;     // wanted on one multiprocessor
  static constexpr bool kPromote = kPromote_;  // adds up each stage's sums outside the tensor cores
  static constexpr int kRows = 64 * kGroups;
  static constexpr int kThreads = 128 * kGroups;
  static constexpr int kDepth = 128;  // bytes of the inner dimension a stage holds: one slab of 128 or two of 64
  static constexpr int kStageBytes = (kRows + kColumns) * kDepth;
  static constexpr int kAhead = kStages > 3 ? kStages - 1 : kStages;  // stages in flight
  static constexpr int kAlignment = 1024;                             // of swizzled operands
  static constexpr int kSharedBytes = kStageBytes * kStages + kAlignment;
};

struct WgmmaPlan {
  WgmmaDepth depth;
  int column_tiles = 1;
  int tiles = 1;
  int padded_outputs = 64;
  bool rows = false;        // pixels are rows of a matrix: no windows
  bool prefetches = false;  // the residual, while a tile's products go on
};

#ifdef HALFTONE_HOPPER
/// Goes over a block's tiles, slab by slab, ahead of their products. Only one thread of the block copies.
template <typename T, typename Tile>
struct Feeder {
  const char* weights;
  int tile, slab, slab_in_tap, tap_x, tap_y;
  int row, x, y, image;
  int stage;
  uint32_t parity;

  __device__ void start(const ConvParams& p, const WgmmaPlan& plan, const CUtensorMap& residual) {
    tile = static_cast<int>(blockIdx.x);
    slab = slab_in_tap = tap_x = tap_y = stage = 0;
    parity = 1;
    start_tile(p, plan, residual);
  }

  __device__ void start_tile(const ConvParams& p, const WgmmaPlan& plan, const CUtensorMap& residual) {
    row = tile / plan.column_tiles * Tile::kRows;
    const int line = row / p.out_width;
    image = line / p.out_height;
    x = (row - line * p.out_width) * p.stride_width - p.pad_left;
    y = (line - image * p.out_height) * p.stride_height - p.pad_top;
    weights = static_cast<const char*>(p.weights) +
              int64_t{tile % plan.column_tiles} * Tile::kColumns * plan.depth.slab_bytes;
    if (plan.prefetches && tile < plan.tiles) {
      prefetch_rows(residual, tile % plan.column_tiles * Tile::kColumns, row);
    }
  }

  /// Fills the next stage as soon as all warps have left it; nothing once the last tile is through.
  __device__ void fill_stage(const ConvParams& p, const WgmmaPlan& plan, const CUtensorMap& map,
                             const CUtensorMap& residual, uint32_t stages, uint32_t full, uint32_t empty) {
    if (tile >= plan.tiles) return;
    const int slab_bytes = plan.depth.slab_bytes;
    const int count = min(Tile::kDepth / slab_bytes, plan.depth.slabs - slab);
    const uint32_t barrier = full + stage * 8;
    uint32_t pixels_to = stages + stage * Tile::kStageBytes;
    uint32_t weights_to = pixels_to + Tile::kRows * Tile::kDepth;
    wait_barrier(empty + stage * 8, parity);
    arrive_expecting(barrier, count * slab_bytes * (Tile::kRows + Tile::kColumns));
    for (int i = 0; i < count; ++i) {
      const int channel = slab_in_tap * (slab_bytes / static_cast<int>(sizeof(T)));
      if (plan.rows) {
        copy_rows(pixels_to, map, channel, row, barrier);
      } else {
        copy_pixels(pixels_to, map, channel, x, y, image, tap_x * p.dilation_width, tap_y * p.dilation_height, barrier);
      }
      copy_bulk(weights_to, weights, Tile::kColumns * slab_bytes, barrier);
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
    if (slab == plan.depth.slabs) {
      slab = 0;
      tap_y = 0;
      tile += static_cast<int>(gridDim.x);
      start_tile(p, plan, residual);
    }
    if (++stage == Tile::kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

/// kCount slabs of one stage, as one group of products.
template <typename T, int kSlabBytes, int kCount, int kSums>
__device__ __forceinline__ void multiply_slabs(Accumulator<T> (&sums)[kSums], uint32_t pixels, uint32_t weights,
                                               int pixel_slab, int weight_slab, int keep) {
  begin_products();
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    const uint64_t a = operand(pixels + i * pixel_slab, kSlabBytes);
    const uint64_t b = operand(weights + i * weight_slab, kSlabBytes);
#pragma unroll
    for (int k = 0; k < kSlabBytes / 32; ++k) {
      multiply_group(T{}, sums, a + 2 * k, b + 2 * k, i + k == 0 ? keep : 1);
    }
  }
  commit_products();
}

/// Scale and bias of four neighbouring channels, whose numbers lie 16-byte aligned.
template <typename Acc, typename Out>
__device__ __forceinline__ void load_quad(Epilogue<Acc, Out, 4>& epilogue, const ConvParams& p, int channel) {
  if (p.scale == nullptr || p.bias == nullptr || channel + 4 > p.outputs) {
    epilogue.load(p, channel);
    return;
  }
  const float4 scale = __ldg(reinterpret_cast<const float4*>(p.scale + channel));
  const float4 bias = __ldg(reinterpret_cast<const float4*>(p.bias + channel));
  epilogue.load(p, p.outputs);
  const float unit = epilogue.range > 0.0F ? 1.0F / epilogue.range : 0.0F;
  const float low = Epilogue<Acc, Out, 4>::kBytes ? p.low : 0.0F;
  const float scales[4] = {scale.x, scale.y, scale.z, scale.w};
  const float biases[4] = {bias.x, bias.y, bias.z, bias.w};
#pragma unroll
  for (int v = 0; v < 4; ++v) {
    epilogue.scale[v] = scales[v] * unit;
    epilogue.bias[v] = (biases[v] - low) * unit;
  }
}
#endif

template <typename T, typename Out, typename Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    conv_wgmma_kernel(const __grid_constant__ CUtensorMap map, const __grid_constant__ CUtensorMap residual_map,
                      const ConvParams p, const WgmmaPlan plan, bool whole_vectors) {
#ifdef HALFTONE_HOPPER
  using Acc = Accumulator<T>;
  using Order = ColumnOrder<Out, 64>;
  constexpr int kVector = Order::kVector;
  constexpr int kVectors = Tile::kColumns / (4 * kVector);  // a thread's share of one row
  constexpr int kSums = Tile::kColumns / 2;
  using Residual = std::conditional_t<std::is_same_v<Acc, int32_t>, int8_t,
                                      std::conditional_t<std::is_same_v<T, __nv_fp8_e4m3>, T, Out>>;
  using Added = Pack<Residual, kVector>;

  extern __shared__ char shared[];
  __shared__ uint64_t barriers[2 * Tile::kStages];
  const uint32_t stages = (shared_address(shared) + Tile::kAlignment - 1) / Tile::kAlignment * Tile::kAlignment;
  const uint32_t full = shared_address(barriers);
  const uint32_t empty = full + Tile::kStages * 8;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
    for (int s = 0; s < Tile::kStages; ++s) {
      start_barrier(full + s * 8, 1);
      start_barrier(empty + s * 8, Tile::kGroups * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();

  __shared__ Feeder<T, Tile> feeder;
  if (thread == 0) {
    feeder.start(p, plan, residual_map);
    for (int s = 0; s < Tile::kAhead; ++s) feeder.fill_stage(p, plan, map, residual_map, stages, full, empty);
  }
  const int group = thread / 128;
  const int lane = thread % 32;
  const int row_in_tile = group * 64 + thread % 128 / 32 * 16 + lane / 4;
  const int slab_bytes = plan.depth.slab_bytes;
  const int per_stage = Tile::kDepth / slab_bytes;
  const int64_t pixels = int64_t{p.batch} * p.out_height * p.out_width;
  const auto* residual = static_cast<const Residual*>(p.residual);
  auto* output = static_cast<Out*>(p.output);
  int stage = 0;
  uint32_t parity = 0;
  auto leave = [&](int which) {
    __syncwarp();
    if (lane == 0) arrive(empty + which * 8);
    if (thread == 0) feeder.fill_stage(p, plan, map, residual_map, stages, full, empty);
    __syncwarp();
  };

  for (int tile = static_cast<int>(blockIdx.x); tile < plan.tiles; tile += static_cast<int>(gridDim.x)) {
    const int64_t row = int64_t{tile / plan.column_tiles} * Tile::kRows + row_in_tile;
    const int column = tile % plan.column_tiles * Tile::kColumns + lane % 4 * kVector;

    Added added[kVectors][2];
    if (residual != nullptr && whole_vectors) {
#pragma unroll
      for (int g = 0; g < kVectors; ++g) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const int64_t m = row + h * 8;
          const int channel = column + g * 4 * kVector;
          if (m < pixels && channel < p.outputs) {
            added[g][h] = *reinterpret_cast<const Added*>(residual + m * p.outputs + channel);
          }
        }
      }
    }

    Acc sums[kSums];
    Acc total[Tile::kPromote ? kSums : 1];
    int previous = -1;
    for (int slab = 0; slab < plan.depth.slabs; slab += per_stage) {
      const uint32_t from = stages + stage * Tile::kStageBytes + group * 64 * slab_bytes;
      const uint32_t weights = stages + stage * Tile::kStageBytes + Tile::kRows * Tile::kDepth;
      const int keep = !Tile::kPromote && slab > 0;
      wait_barrier(full + stage * 8, parity);
      if (slab_bytes == 128) {
        multiply_slabs<T, 128, 1>(sums, from, weights, 0, 0, keep);
      } else if (slab + 1 < plan.depth.slabs) {
        multiply_slabs<T, 64, 2>(sums, from, weights, Tile::kRows * 64, Tile::kColumns * 64, keep);
      } else {
        multiply_slabs<T, 64, 1>(sums, from, weights, 0, 0, keep);
      }
      if constexpr (Tile::kPromote) {
        wait_products<0>();
        leave(stage);
#pragma unroll
        for (int i = 0; i < kSums; ++i) total[i] = slab == 0 ? sums[i] : total[i] + sums[i];
      } else {
        wait_products<1>();
        if (previous >= 0) leave(previous);
        previous = stage;
      }
      if (++stage == Tile::kStages) {
        stage = 0;
        parity ^= 1;
      }
    }
    if constexpr (Tile::kPromote) {
#pragma unroll
      for (int i = 0; i < kSums; ++i) sums[i] = total[i];
    } else {
      wait_products<0>();
      leave(previous);
    }

#pragma unroll
    for (int g = 0; g < kVectors; ++g) {
      const int channel = column + g * 4 * kVector;
      if (channel >= p.outputs) continue;
      Pack<Out, kVector> out[2];
      if (residual != nullptr && !whole_vectors) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            const int64_t m = row + h * 8;
            if (m < pixels && channel + v < p.outputs) added[g][h].values[v] = residual[m * p.outputs + channel + v];
          }
        }
      }
#pragma unroll
      for (int q = 0; q < kVector / 4; ++q) {
        Epilogue<Acc, Out, 4> epilogue;
        load_quad(epilogue, p, channel + 4 * q);
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          float results[4];
          const Acc* quad = sums + (g * Order::kBlocksPerGroup + 2 * q) * 4 + h * 2;
          if (residual != nullptr) {
            float values[4];
            residual_values(p, reinterpret_cast<const Pack<Residual, 4>*>(&added[g][h])[q], values);
#pragma unroll
            for (int v = 0; v < 4; ++v) results[v] = epilogue.apply(p, v, quad[v / 2 * 4 + v % 2], values[v]);
          } else {
#pragma unroll
            for (int v = 0; v < 4; ++v) results[v] = epilogue.apply(p, v, quad[v / 2 * 4 + v % 2]);
          }
          reinterpret_cast<Pack<Out, 4>*>(&out[h])[q] = round_results<Out>(results);
        }
      }
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int64_t m = row + h * 8;
        if (m >= pixels) continue;
        Out* to = output + m * p.output_pitch + channel;
        if (whole_vectors) {
          *reinterpret_cast<Pack<Out, kVector>*>(to) = out[h];
        } else {
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            if (channel + v < p.outputs) to[v] = out[h].values[v];
          }
        }
      }
    }
  }
#endif
}

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
  WgmmaPlan plan;
  plan.depth = wgmma_depth(p, static_cast<int>(sizeof(T)));
  plan.column_tiles = (p.outputs + Tile::kColumns - 1) / Tile::kColumns;
  plan.padded_outputs = plan.column_tiles * Tile::kColumns;
  const int64_t tiles = (output_pixels(p) + Tile::kRows - 1) / Tile::kRows * plan.column_tiles;
  if (tiles <= 0 || tiles + processors * Tile::kBlocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
  plan.tiles = static_cast<int>(tiles);
  plan.rows = reads_rows(p);
  CUtensorMap map{}, residual_map{};
  error = map_pixels(map, p, static_cast<int>(sizeof(T)), plan.depth.slab_bytes, Tile::kRows);
  if (error != cudaSuccess) return error;
  constexpr int kResidualBytes = std::is_same_v<Accumulator<T>, int32_t> ? 1 : static_cast<int>(sizeof(T));
  if (p.residual != nullptr && p.outputs * kResidualBytes % 16 == 0) {
    error =
        map_rows(residual_map, p.residual, output_pixels(p), p.outputs, kResidualBytes, Tile::kRows, Tile::kColumns);
    if (error != cudaSuccess) return error;
    plan.prefetches = true;
  }
  constexpr int kVector = ColumnOrder<Out, 64>::kVector;
  const bool whole = p.outputs % kVector == 0 && p.output_pitch % kVector == 0;
  const int blocks = std::min(plan.tiles, processors * Tile::kBlocks);
  kernel<<<static_cast<unsigned>(blocks), Tile::kThreads, Tile::kSharedBytes, stream>>>(map, residual_map, p, plan,
                                                                                        whole);
  return cudaGetLastError();
}

template <typename T, typename Out, typename Tile>
constexpr ConvWgmmaConfig conv_wgmma_config(std::string_view name) {
  return {name, Tile::kRows, Tile::kColumns, ColumnOrder<Out, 64>::kVector, launch_conv_wgmma<T, Out, Tile>};
}

}  // namespace halftone::cuda
