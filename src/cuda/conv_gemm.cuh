#pragma once
#include "cuda/conv_gemm.h"

#include "cuda/capability.h"
#include "cuda/conv_border.h"
#include "cuda/conv_params.h"
#include "cuda/dependency.cuh"
#include "cuda/launch.h"
#include "cuda/mma.cuh"
#include "cuda/shared_limit.h"

/// Convolution as a matrix product whose left side is gathered on the fly: output pixels x taps and
/// channels, times the weights. Tensor cores through `mma.sync`, operands staged in shared memory by
/// asynchronous copies, the epilogue straight from registers.
namespace halftone::cuda {

/// A block computes kRows pixels x kColumns channels; each warp kWarpRows x kWarpColumns of them.
template <int kRows_, int kColumns_, int kWarpRows_, int kWarpColumns_, int kStages_, int kBlocks_>
struct GemmTile {
  static constexpr int kRows = kRows_;
  static constexpr int kColumns = kColumns_;
  static constexpr int kWarpRows = kWarpRows_;
  static constexpr int kWarpColumns = kWarpColumns_;
  static constexpr int kStages = kStages_;
  static constexpr int kBlocks = kBlocks_;  // wanted on one multiprocessor
  static constexpr int kWarpsDown = kRows / kWarpRows;
  static constexpr int kWarpsAcross = kColumns / kWarpColumns;
  static constexpr int kThreads = 32 * kWarpsDown * kWarpsAcross;
  static constexpr int kDepth = 64;  // bytes of the inner dimension a stage holds
  static constexpr int kStageBytes = (kRows + kColumns) * kDepth;
  /// Stages in code for a compute capability: where a copy goes through registers, one is read while one is filled.
  static constexpr int stages(int capability) { return capability < 80 ? 2 : kStages; }
  static constexpr int shared_bytes(int capability) { return kStageBytes * stages(capability); }
};

/// Channels each thread owns side by side, so that it can store them at once. The columns of the
/// product are a permutation of the output channels chosen to make this so: lane quad t of a warp
/// owns channels t * kVector ... of every group of 4 * kVector.
template <typename Out, int kWarpColumns>
struct ColumnOrder {
  static constexpr int kVector = 16 / int{sizeof(Out)} < kWarpColumns / 4 ? 16 / int{sizeof(Out)} : kWarpColumns / 4;
  static constexpr int kGroups = kWarpColumns / (4 * kVector);
  static constexpr int kBlocksPerGroup = kVector / 2;

  /// The channel, within the warp's, that column `n` of the product stands for.
  __host__ __device__ static constexpr int channel(int n) {
    const int block = n / 8;
    const int column = n % 8;
    return block / kBlocksPerGroup * (4 * kVector) + column / 2 * kVector + block % kBlocksPerGroup * 2 + column % 2;
  }
};

/// 1.5 * 2^23: a float of this size has units for its last place, so adding it rounds to an integer
/// whose low bits are the result's, and subtracting it turns those bits back into a number. Type
/// conversions run at a fraction of the rate of additions; 8-bit epilogues live on this.
constexpr float kRounder = 12582912.0F;
constexpr int kRounderBits = 0x4b400000;

__device__ __forceinline__ float multiply_saturate(float a, float b, float c) {
  float out;
  asm("fma.rn.sat.f32 %0, %1, %2, %3;" : "=f"(out) : "f"(a), "f"(b), "f"(c));
  return out;
}

/// What a sum starts at: integer sums that stay small may start at kRounderBits, so that they read
/// as floats without a conversion.
template <typename Acc, bool kSmallSums>
__device__ constexpr Acc first_sum() {
  return kSmallSums ? static_cast<Acc>(kRounderBits) : Acc{0};
}

/// Whether integer sums over `depth` products stay within 2^22.
inline __host__ __device__ bool sums_are_small(int depth, bool is_unsigned) {
  return depth <= (is_unsigned ? 128 : 256);
}

/// Scale, bias, residual, clamp and rounding of the kVector channels from `channel` on.
template <typename Acc, typename Out, int kVector, bool kSmallSums = false>
struct Epilogue {
  static constexpr bool kBytes = std::is_same_v<Out, int8_t>;
  float scale[kVector];
  float bias[kVector];
  float residual_scale;
  float range;  // of 8-bit results: they are computed as fractions of it
  float start;

  __device__ void load(const ConvParams& p, int channel) {
    // Bounds of 8-bit outputs are whole numbers or become so by the rounding that follows.
    range = kBytes ? p.high - p.low : 1.0F;
    start = kBytes ? p.low + static_cast<float>(p.output_zero) + kRounder : 0.0F;
    const float unit = range > 0.0F ? 1.0F / range : 0.0F;
    residual_scale = p.residual_scale * unit;
#pragma unroll
    for (int v = 0; v < kVector; ++v) {
      const bool inside = channel + v < p.outputs;
      scale[v] = p.scale != nullptr && inside ? __ldg(p.scale + channel + v) : 1.0F;
      bias[v] = p.bias != nullptr && inside ? __ldg(p.bias + channel + v) : 0.0F;
      if constexpr (kBytes) {
        scale[v] *= unit;
        bias[v] = (bias[v] - p.low) * unit;
      }
    }
  }

  __device__ static float sum_value(Acc sum) {
    if constexpr (std::is_same_v<Acc, int32_t> && kSmallSums) {
      return __int_as_float(sum) - kRounder;
    } else {
      return static_cast<float>(sum);
    }
  }

  /// The result of channel `v`; for 8-bit outputs it is in the low byte of the float's bits.
  __device__ float apply(const ConvParams& p, int v, Acc sum, float residual) const {
    const float x = fmaf(sum_value(sum), scale[v], bias[v]);
    if constexpr (kBytes) {
      return fmaf(multiply_saturate(residual, residual_scale, x), range, start);
    } else {
      return fminf(fmaxf(fmaf(residual, residual_scale, x), p.low), p.high);
    }
  }
  __device__ float apply(const ConvParams& p, int v, Acc sum) const {
    if constexpr (kBytes) {
      return fmaf(multiply_saturate(sum_value(sum), scale[v], bias[v]), range, start);
    } else {
      return fminf(fmaxf(fmaf(sum_value(sum), scale[v], bias[v]), p.low), p.high);
    }
  }
};

/// kCount results of an Epilogue as they are stored.
template <typename Out, int kCount>
__device__ __forceinline__ Pack<Out, kCount> round_results(const float (&x)[kCount]) {
  Pack<Out, kCount> out;
  if constexpr (std::is_same_v<Out, int8_t> && kCount % 4 == 0) {
    auto* words = reinterpret_cast<uint32_t*>(&out);
#pragma unroll
    for (int i = 0; i < kCount / 4; ++i) {
      const uint32_t low = __byte_perm(__float_as_uint(x[4 * i]), __float_as_uint(x[4 * i + 1]), 0x0040);
      const uint32_t high = __byte_perm(__float_as_uint(x[4 * i + 2]), __float_as_uint(x[4 * i + 3]), 0x0040);
      words[i] = __byte_perm(low, high, 0x5410);
    }
  } else if constexpr (std::is_same_v<Out, __nv_fp8_e4m3> && kCount % 2 == 0) {
    auto* pairs = reinterpret_cast<__nv_fp8x2_storage_t*>(&out);
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) {
      pairs[i] = __nv_cvt_float2_to_fp8x2(make_float2(x[2 * i], x[2 * i + 1]), __NV_SATFINITE, __NV_E4M3);
    }
  } else {
#pragma unroll
    for (int v = 0; v < kCount; ++v) {
      if constexpr (std::is_same_v<Out, int8_t>) {
        out.values[v] = static_cast<Out>(__float_as_uint(x[v]) & 0xff);
      } else {
        out.values[v] = from_float<Out>(x[v]);
      }
    }
  }
  return out;
}

/// kCount residual values as floats; 8-bit ones may be signed or not.
template <typename Out, int kCount>
__device__ __forceinline__ void residual_values(const ConvParams& p, const Pack<Out, kCount>& in,
                                                float (&out)[kCount]) {
  if constexpr (std::is_same_v<Out, int8_t> && kCount % 4 == 0) {
    // 2^23 plus a byte is that byte in the last place of a float; signed bytes are shifted by 128.
    const uint32_t flip = p.residual_unsigned ? 0 : 0x80808080U;
    const float shift = p.residual_unsigned ? 8388608.0F : 8388736.0F;
    const auto* words = reinterpret_cast<const uint32_t*>(&in);
#pragma unroll
    for (int i = 0; i < kCount / 4; ++i) {
      const uint32_t word = words[i] ^ flip;
      out[4 * i] = __uint_as_float(__byte_perm(word, 0x4b000000U, 0x7440)) - shift;
      out[4 * i + 1] = __uint_as_float(__byte_perm(word, 0x4b000000U, 0x7441)) - shift;
      out[4 * i + 2] = __uint_as_float(__byte_perm(word, 0x4b000000U, 0x7442)) - shift;
      out[4 * i + 3] = __uint_as_float(__byte_perm(word, 0x4b000000U, 0x7443)) - shift;
    }
  } else if constexpr (std::is_same_v<Out, __nv_fp8_e4m3> && kCount % 2 == 0) {
    const auto* pairs = reinterpret_cast<const __nv_fp8x2_storage_t*>(&in);
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) {
      const float2 pair = __half22float2(__half2(__nv_cvt_fp8x2_to_halfraw2(pairs[i], __NV_E4M3)));
      out[2 * i] = pair.x;
      out[2 * i + 1] = pair.y;
    }
  } else {
#pragma unroll
    for (int v = 0; v < kCount; ++v) {
      if constexpr (std::is_same_v<Out, int8_t>) {
        out[v] = p.residual_unsigned ? to_float(static_cast<uint8_t>(in.values[v])) : to_float(in.values[v]);
      } else {
        out[v] = to_float(in.values[v]);
      }
    }
  }
}

__device__ __forceinline__ uint32_t round_tf32(uint32_t bits) {
  uint32_t out;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(out) : "r"(bits));
  return out;
}

/// The gathering side: one thread's rows of the left operand and its place in the inner dimension.
template <typename T, int kRowsPerThread>
struct Gather {
  const char* row[kRowsPerThread];
  int top[kRowsPerThread];
  int left[kRowsPerThread];
  int64_t tap_offset = 0;  // bytes from a row's first tap to the current chunk
  int channel = 0;         // in bytes
  int tap_row = 0;
  int tap_column = 0;

  __device__ void start(const ConvParams& p, int64_t first_row, int row_step, int first_chunk) {
    const int64_t pixels = int64_t{p.batch} * p.out_height * p.out_width;
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      const int64_t m = first_row + int64_t{i} * row_step;
      const auto pixel = static_cast<uint32_t>(m < pixels ? m : 0);
      const uint32_t line = pixel / static_cast<uint32_t>(p.out_width);
      const int x = static_cast<int>(pixel - line * p.out_width);
      const int image = static_cast<int>(line / static_cast<uint32_t>(p.out_height));
      const int y = static_cast<int>(line - static_cast<uint32_t>(image) * p.out_height);
      top[i] = m < pixels ? y * p.stride_height - p.pad_top : -(1 << 28);
      left[i] = x * p.stride_width - p.pad_left;
      const int64_t start_pixel = (int64_t{image} * p.height + y * p.stride_height - p.pad_top) * p.width + left[i];
      row[i] = static_cast<const char*>(p.input) + start_pixel * p.input_pitch * static_cast<int>(sizeof(T));
    }
    seek(p, first_chunk);
  }

  /// Goes to 16-byte chunk number `chunk` of the inner dimension.
  __device__ void seek(const ConvParams& p, int chunk) {
    const int row_bytes = p.channels * static_cast<int>(sizeof(T));
    const int64_t byte = int64_t{chunk} * 16;
    const int tap = static_cast<int>(byte / row_bytes);
    channel = static_cast<int>(byte - int64_t{tap} * row_bytes);
    tap_row = tap / p.kernel_width;
    tap_column = tap - tap_row * p.kernel_width;
    place(p);
  }

  __device__ void place(const ConvParams& p) {
    tap_offset = (int64_t{tap_row} * p.dilation_height * p.width + tap_column * p.dilation_width) * p.input_pitch *
                     static_cast<int>(sizeof(T)) +
                 channel;
  }

  __device__ void advance(const ConvParams& p, int bytes) {
    const int row_bytes = p.channels * static_cast<int>(sizeof(T));
    channel += bytes;
    if (channel < row_bytes) {
      tap_offset += bytes;
      return;
    }
    do {
      channel -= row_bytes;
      if (++tap_column == p.kernel_width) {
        tap_column = 0;
        ++tap_row;
      }
    } while (channel >= row_bytes);
    place(p);
  }

  __device__ bool inside(const ConvParams& p, int i) const {
    const int y = top[i] + tap_row * p.dilation_height;
    const int x = left[i] + tap_column * p.dilation_width;
    return tap_row < p.kernel_height && static_cast<unsigned>(y) < static_cast<unsigned>(p.height) &&
           static_cast<unsigned>(x) < static_cast<unsigned>(p.width);
  }
};

/// Adds up the partial sums of the blocks that share a tile; true in the block that came last and
/// now holds the whole sum. The order of addition is fixed, so results repeat bit for bit.
template <typename Acc, int kThreads, int kCount>
__device__ bool reduce_splits(Acc* sums, const ConvParams& p, int tile, int split, int splits) {
  __shared__ bool is_last;
  auto* partial = static_cast<Acc*>(p.workspace) + static_cast<size_t>(tile) * splits * kThreads * kCount + threadIdx.x;
  Acc* mine = partial + static_cast<size_t>(split) * kThreads * kCount;
#pragma unroll
  for (int i = 0; i < kCount; ++i) __stcg(mine + i * kThreads, sums[i]);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    is_last = atomicAdd(p.counters + tile, 1U) == static_cast<unsigned>(splits - 1);
  }
  __syncthreads();
  if (!is_last) return false;
  __threadfence();
#pragma unroll
  for (int i = 0; i < kCount; ++i) sums[i] = Acc{0};
  for (int s = 0; s < splits; ++s) {
    const Acc* other = partial + static_cast<size_t>(s) * kThreads * kCount;
#pragma unroll
    for (int i = 0; i < kCount; ++i) sums[i] += __ldcg(other + i * kThreads);
  }
  if (threadIdx.x == 0) p.counters[tile] = 0;
  return true;
}

template <typename T, typename Out, typename Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    conv_gemm_kernel(const ConvParams p, int column_tiles, int splits, bool whole_vectors) {
  using Acc = Accumulator<T>;
  using Order = ColumnOrder<Out, Tile::kWarpColumns>;
  constexpr int kChunks = Tile::kDepth / 16;
  constexpr int kRowStep = Tile::kThreads / kChunks;
  constexpr int kRowsPerThread = Tile::kRows / kRowStep;
  constexpr int kColumnsPerThread = Tile::kColumns / kRowStep;
  constexpr int kRowBlocks = Tile::kWarpRows / 16;
  constexpr int kColumnBlocks = Tile::kWarpColumns / 8;
  constexpr int kStages = Tile::stages(kTuring ? 75 : 80);
  static_assert(Tile::kRows % kRowStep == 0 && Tile::kColumns % kRowStep == 0);

  extern __shared__ char shared[];
  const uint32_t base = shared_address(shared);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;
  const int warp_down = warp % Tile::kWarpsDown;
  const int warp_across = warp / Tile::kWarpsDown;

  const int tile = static_cast<int>(blockIdx.x) / splits;
  const int split = static_cast<int>(blockIdx.x) % splits;
  const int64_t first_row = static_cast<int64_t>(tile / column_tiles) * Tile::kRows;
  const int first_column = tile % column_tiles * Tile::kColumns;

  const int depth_bytes = p.kernel_height * p.kernel_width * p.channels * static_cast<int>(sizeof(T));
  const int all_steps = (depth_bytes + Tile::kDepth - 1) / Tile::kDepth;
  const int first_step = static_cast<int>(int64_t{all_steps} * split / splits);
  const int steps = static_cast<int>(int64_t{all_steps} * (split + 1) / splits) - first_step;

  const int chunk = thread % kChunks;
  const int slot = thread / kChunks;
  Gather<T, kRowsPerThread> gather;
  gather.start(p, first_row + slot, kRowStep, first_step * kChunks + chunk);
  const char* weight[kColumnsPerThread];
  uint32_t weight_valid = 0;
  int weight_byte = (first_step * kChunks + chunk) * 16;
#pragma unroll
  for (int i = 0; i < kColumnsPerThread; ++i) {
    const int n = slot + i * kRowStep;
    const int channel =
        first_column + n / Tile::kWarpColumns * Tile::kWarpColumns + Order::channel(n % Tile::kWarpColumns);
    if (channel < p.outputs) weight_valid |= 1U << i;
    weight[i] =
        static_cast<const char*>(p.weights) + static_cast<int64_t>(channel < p.outputs ? channel : 0) * depth_bytes;
  }
  // 64-byte rows: two rows fill the banks, so the swizzle steps every second row.
  const uint32_t store_offset = slot * Tile::kDepth + ((chunk ^ (slot / 2 % kChunks)) * 16);
  static_assert(kRowStep % 8 == 0);

  Copy copies[kRowsPerThread + kColumnsPerThread];
  auto load_pixels = [&](int stage) {
    const uint32_t to = base + stage * Tile::kStageBytes + store_offset;
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
      const bool valid = gather.inside(p, i);
      copies[i].begin(to + i * kRowStep * Tile::kDepth,
                      valid ? gather.row[i] + gather.tap_offset : static_cast<const char*>(p.input), valid);
    }
    gather.advance(p, Tile::kDepth);
  };
  auto load_weights = [&](int stage) {
    const uint32_t to = base + stage * Tile::kStageBytes + store_offset;
    const bool deep = weight_byte < depth_bytes;
#pragma unroll
    for (int i = 0; i < kColumnsPerThread; ++i) {
      copies[kRowsPerThread + i].begin(to + (Tile::kRows + i * kRowStep) * Tile::kDepth,
                                       weight[i] + (deep ? weight_byte : 0), deep && (weight_valid >> i & 1U) != 0);
    }
    weight_byte += Tile::kDepth;
  };
  auto finish_stage = [&] {
#pragma unroll
    for (const Copy& copy : copies) copy.finish();
  };

  Acc sums[kRowBlocks][kColumnBlocks][4];
#pragma unroll
  for (int i = 0; i < kRowBlocks; ++i) {
#pragma unroll
    for (int j = 0; j < kColumnBlocks; ++j) {
#pragma unroll
      for (int k = 0; k < 4; ++k) sums[i][j][k] = Acc{0};
    }
  }

#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < steps) load_weights(s);
  }
  await_earlier();
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < steps) {
      load_pixels(s);
      finish_stage();
    }
    commit_copies();
  }

  const int a_row = warp_down * Tile::kWarpRows + lane % 16;
  const int a_chunk = lane / 16;
  const int a_swizzle = a_row / 2 % kChunks;
  const int b_row = warp_across * Tile::kWarpColumns + lane % 8 + lane / 16 * 8;
  const int b_chunk = lane / 8 % 2;
  const int b_swizzle = b_row / 2 % kChunks;

  int stage = 0;
  int load_to = kStages - 1;
  for (int step = 0; step < steps; ++step) {
    wait_copies<kStages - 2>();
    __syncthreads();
    const bool loads = step + kStages - 1 < steps;
    if (loads) {
      load_pixels(load_to);
      load_weights(load_to);
    }
    commit_copies();
    if (++load_to == kStages) load_to = 0;

    const uint32_t a_base = base + stage * Tile::kStageBytes + a_row * Tile::kDepth;
    const uint32_t b_base = base + stage * Tile::kStageBytes + (Tile::kRows + b_row) * Tile::kDepth;
    if (++stage == kStages) stage = 0;
#pragma unroll
    for (int k = 0; k < kChunks / 2; ++k) {
      uint32_t a[kRowBlocks][4];
      uint32_t b[kColumnBlocks / 2][4];
#pragma unroll
      for (int i = 0; i < kRowBlocks; ++i) {
        load_matrices(a[i], a_base + i * 16 * Tile::kDepth + ((a_chunk + 2 * k) ^ a_swizzle) * 16);
      }
#pragma unroll
      for (int j = 0; j < kColumnBlocks / 2; ++j) {
        load_matrices(b[j], b_base + j * 16 * Tile::kDepth + ((b_chunk + 2 * k) ^ b_swizzle) * 16);
      }
      if constexpr (std::is_same_v<T, Tf32>) {
#pragma unroll
        for (int i = 0; i < kRowBlocks; ++i) {
#pragma unroll
          for (int w = 0; w < 4; ++w) a[i][w] = round_tf32(a[i][w]);
        }
#pragma unroll
        for (int j = 0; j < kColumnBlocks / 2; ++j) {
#pragma unroll
          for (int w = 0; w < 4; ++w) b[j][w] = round_tf32(b[j][w]);
        }
      }
#pragma unroll
      for (int i = 0; i < kRowBlocks; ++i) {
#pragma unroll
        for (int j = 0; j < kColumnBlocks; ++j) {
          const uint32_t pair[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
          multiply_add<T>(sums[i][j], a[i], pair);
        }
      }
    }
    if (loads) finish_stage();
  }

  release_next();
  if (splits > 1) {
    constexpr int kCount = kRowBlocks * kColumnBlocks * 4;
    if (!reduce_splits<Acc, Tile::kThreads, kCount>(&sums[0][0][0], p, tile, split, splits)) {
      return;
    }
  }

  constexpr int kVector = Order::kVector;
  using Vector = Pack<Out, kVector>;
  const int64_t pixels = int64_t{p.batch} * p.out_height * p.out_width;
  const int64_t row = first_row + warp_down * Tile::kWarpRows + lane / 4;
  auto* output = static_cast<Out*>(p.output);
  // What is added is of the input's type, whatever it is added up to; of bytes, signed or not.
  using Residual =
      std::conditional_t<std::is_same_v<Acc, int32_t>, int8_t, std::conditional_t<std::is_same_v<T, Tf32>, Out, T>>;
  using Added = Pack<Residual, kVector>;
  const auto* residual = static_cast<const Residual*>(p.residual);
  if constexpr (sizeof(T) == 1) {
    if (p.border != nullptr) {
#pragma unroll
      for (int i = 0; i < kRowBlocks; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const auto m = static_cast<uint32_t>(row + i * 16 + h * 8);
          const uint32_t line = m / static_cast<uint32_t>(p.out_width);
          const uint32_t y = line % static_cast<uint32_t>(p.out_height);
          const int kind = border_row(p, static_cast<int>(y), static_cast<int>(m - line * p.out_width));
          const Acc* border = static_cast<const Acc*>(p.border) + int64_t{kind} * p.border_pitch;
#pragma unroll
          for (int g = 0; g < Order::kGroups; ++g) {
            const int channel = first_column + warp_across * Tile::kWarpColumns + g * 4 * kVector + lane % 4 * kVector;
            if (kind == 0 || channel >= p.outputs) continue;
            const auto outside = *reinterpret_cast<const Pack<Acc, kVector>*>(border + channel);
#pragma unroll
            for (int v = 0; v < kVector; ++v) {
              sums[i][g * Order::kBlocksPerGroup + v / 2][h * 2 + v % 2] += outside.values[v];
            }
          }
        }
      }
    }
  }
#pragma unroll
  for (int g = 0; g < Order::kGroups; ++g) {
    const int channel = first_column + warp_across * Tile::kWarpColumns + g * 4 * kVector + lane % 4 * kVector;
    if (channel >= p.outputs) continue;
    Epilogue<Acc, Out, kVector> epilogue;
    epilogue.load(p, channel);
    const bool whole = whole_vectors && channel + kVector <= p.outputs;
    Added added[kRowBlocks][2];
    if (residual != nullptr && whole) {
#pragma unroll
      for (int i = 0; i < kRowBlocks; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const int64_t m = row + i * 16 + h * 8;
          if (m < pixels) {
            added[i][h] = *reinterpret_cast<const Added*>(residual + m * p.outputs + channel);
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kRowBlocks; ++i) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int64_t m = row + i * 16 + h * 8;
        if (m >= pixels) continue;
        Out* to = output + m * p.output_pitch + channel;
        float results[kVector];
        if (residual != nullptr) {
          float values[kVector];
          if (!whole) {
#pragma unroll
            for (int v = 0; v < kVector; ++v) {
              if (channel + v < p.outputs) {
                added[i][h].values[v] = residual[m * p.outputs + channel + v];
              }
            }
          }
          residual_values(p, added[i][h], values);
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            results[v] = epilogue.apply(p, v, sums[i][g * Order::kBlocksPerGroup + v / 2][h * 2 + v % 2], values[v]);
          }
        } else {
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            results[v] = epilogue.apply(p, v, sums[i][g * Order::kBlocksPerGroup + v / 2][h * 2 + v % 2]);
          }
        }
        const Vector out = round_results<Out>(results);
        if (whole) {
          *reinterpret_cast<Vector*>(to) = out;
        } else {
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            if (channel + v < p.outputs) to[v] = out.values[v];
          }
        }
      }
    }
  }
}

/// Bytes of workspace that `splits` blocks a tile need; none for one.
template <typename T, typename Tile>
size_t conv_gemm_workspace(const ConvParams& p, int splits) {
  if (splits <= 1) return 0;
  const int64_t tiles =
      (output_pixels(p) + Tile::kRows - 1) / Tile::kRows * ((p.outputs + Tile::kColumns - 1) / Tile::kColumns);
  return static_cast<size_t>(tiles * splits * Tile::kRows * Tile::kColumns * 4);
}

template <typename T, typename Out, typename Tile>
cudaError_t launch_conv_gemm(const ConvParams& p, int splits, cudaStream_t stream) {
  auto* kernel = conv_gemm_kernel<T, Out, Tile>;
  static std::atomic<std::uint64_t> allowed{0};
  const int bytes = Tile::shared_bytes(code_capability());
  if (const cudaError_t error = allow_shared(kernel, bytes, allowed); error != cudaSuccess) return error;
  constexpr int kVector = ColumnOrder<Out, Tile::kWarpColumns>::kVector;
  const int column_tiles = (p.outputs + Tile::kColumns - 1) / Tile::kColumns;
  const int64_t row_tiles = (output_pixels(p) + Tile::kRows - 1) / Tile::kRows;
  const int64_t blocks = row_tiles * column_tiles * splits;
  if (blocks <= 0 || blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
  if (p.workspace_bytes < conv_gemm_workspace<T, Tile>(p, splits) || (splits > 1 && p.counters == nullptr)) {
    return cudaErrorInvalidValue;
  }
  const bool whole = p.outputs % kVector == 0 && p.output_pitch % kVector == 0;
  return launch_overlapping(kernel, static_cast<unsigned>(blocks), Tile::kThreads, bytes, stream, p, column_tiles,
                            splits, whole);
}

}  // namespace halftone::cuda
