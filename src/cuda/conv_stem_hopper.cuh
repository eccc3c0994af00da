#pragma once
#include "cuda/conv_stem_hopper.h"

#include <algorithm>

#include "cuda/conv_gemm.cuh"
#include "cuda/shared_limit.h"
#include "cuda/wgmma.cuh"

namespace halftone::cuda::stem {

constexpr int kLine = kHopperLine;  // output pixels of one product
constexpr int kHopperThreads = 128;
constexpr int kPixelBytes = 8;  // of the window: four values of two bytes
constexpr int kStagedChannels = kHopperChannels;
constexpr int kMostRawBytes = 48 * 1024;
constexpr int kMostSharedBytes = 128 * 1024;
/// Room behind the window: compute-sanitizer takes a product's columns to lie apart, not overlapping.
constexpr int kBeyond = 2048;

#define HALFTONE_NAMES_56 \
  HALFTONE_NAMES_32       \
  ","                     \
  "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55"
#define HALFTONE_LINE_PRODUCT(types)                                                                             \
  asm volatile("{ .reg .pred keep; setp.ne.b32 keep, %61, 0; wgmma.mma_async.sync.aligned.m64n112k16.f32." types \
               " {" HALFTONE_NAMES_56 "},{%56,%57,%58,%59},%60, keep, 1, 1, 0; }"                                \
               : HALFTONE_D32(HALFTONE_FLOAT_SUM, 0), HALFTONE_D16(HALFTONE_FLOAT_SUM, 32),                      \
                 HALFTONE_D4(HALFTONE_FLOAT_SUM, 48), HALFTONE_D4(HALFTONE_FLOAT_SUM, 52)                        \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(keep))

#ifdef HALFTONE_HOPPER
/// d = a * b, plus d where `keep`: 64 channels by kLine pixels, 16 values deep; `a` in registers, `b` describes shared
/// memory.
__device__ __forceinline__ void multiply_line(__half, float (&d)[56], const uint32_t (&a)[4], uint64_t b, int keep) {
  HALFTONE_LINE_PRODUCT("f16.f16");
}
__device__ __forceinline__ void multiply_line(__nv_bfloat16, float (&d)[56], const uint32_t (&a)[4], uint64_t b,
                                              int keep) {
  HALFTONE_LINE_PRODUCT("bf16.bf16");
}

/// Describes columns of 16 bytes and more that begin 16 bytes apart, one in the next: windows of stride 2 over pixels
/// of 8 bytes, without a copy of any.
__device__ __forceinline__ uint64_t overlapping_windows(uint32_t address) {
  constexpr uint64_t kNextDepth = 16 / 16, kNextEight = 128 / 16;
  return (address & 0x3ffff) >> 4 | kNextDepth << 16 | kNextEight << 32;
}

/// Four 8 x 8 matrices of pairs of bytes, each stored by columns: lane l names the place of column l % 8 of matrix l
/// / 8.
__device__ __forceinline__ void store_columns(uint32_t address, const uint32_t (&words)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1,%2,%3,%4};" ::"r"(address), "r"(words[0]),
               "r"(words[1]), "r"(words[2]), "r"(words[3])
               : "memory");
}

template <typename T>
__device__ __forceinline__ uint32_t pack_pair(float low, float high) {
  uint32_t out;
  if constexpr (std::is_same_v<T, __half>) {
    asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(out) : "f"(low), "f"(high));
  } else {
    static_assert(std::is_same_v<T, __nv_bfloat16>);
    asm("cvt.rn.bf16x2.f32 %0, %2, %1;" : "=r"(out) : "f"(low), "f"(high));
  }
  return out;
}

/// Two channels (first, second) of two pixels (left, right) as bytes.
template <typename Out>
__device__ __forceinline__ uint32_t pack_bytes(float first_left, float second_left, float first_right,
                                               float second_right) {
  if constexpr (std::is_same_v<Out, int8_t>) {
    const uint32_t left = __byte_perm(__float_as_uint(first_left), __float_as_uint(second_left), 0x0040);
    const uint32_t right = __byte_perm(__float_as_uint(first_right), __float_as_uint(second_right), 0x0040);
    return __byte_perm(left, right, 0x5410);
  } else {
    uint32_t out;
    asm("{ .reg .b16 left, right; cvt.rn.satfinite.e4m3x2.f32 left, %2, %1; cvt.rn.satfinite.e4m3x2.f32 right, %4, %3;"
        " mov.b32 %0, {left, right}; }"
        : "=r"(out)
        : "f"(first_left), "f"(second_left), "f"(first_right), "f"(second_right));
    return out;
  }
}

/// Where a strip's pixels are read: from row `first_row` of the image on, in device memory or brought to shared memory.
template <typename Source>
struct StripSource {
  const Source* pixels;
  int first_row;
  int pitch;  // values of a pixel
};

/// Lays a strip of the image out in shared memory as pixels of four values; outside the image lies the padding.
template <typename T, typename Source>
__device__ __forceinline__ void stage_strip(const StemParams& p, const StripSource<Source>& source, char* window,
                                            int top, int left, int rows, int width) {
  constexpr int kAtOnce = 4;
  const ConvParams& c = p.conv;
  const int pixels = rows * width;
  for (int first = static_cast<int>(threadIdx.x); first < pixels; first += kHopperThreads * kAtOnce) {
    Source raw[kAtOnce][4];
    uint32_t inside = 0;
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int index = first + i * kHopperThreads;
      const int row = index / width;
      const int y = top + row;
      const int x = left + index - row * width;
      const int clamped_y = min(max(y, 0), min(c.height, top + rows) - 1);
      const int clamped_x = min(max(x, 0), c.width - 1);
      if (clamped_y == y && clamped_x == x) inside |= 1U << i;
      const Source* from = source.pixels + ((clamped_y - source.first_row) * c.width + clamped_x) * source.pitch;
#pragma unroll
      for (int k = 0; k < 4; ++k) raw[i][k] = from[k < c.channels ? k : 0];
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int index = first + i * kHopperThreads;
      if (index >= pixels) break;
      float values[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        values[k] = (inside >> i & 1U) != 0 ? to_float(raw[i][k]) : p.padding;
        if (k >= c.channels) values[k] = 0.0F;
      }
      *reinterpret_cast<uint2*>(window + index * kPixelBytes) =
          make_uint2(pack_pair<T>(values[0], values[1]), pack_pair<T>(values[2], values[3]));
    }
  }
}
#endif

/// A block computes 64 channels of `strip` lines of up to kLine pixels. The weights stay in registers; the tensor cores
/// read the windows of neighbouring pixels where they lie, overlapping, in the staged strip. Products are transposed,
/// channels by pixels, so a thread has two channels and their numbers in registers; matrix stores turn them round.
template <typename T, typename Source, typename Out, int kHeight, int kHalves>
__global__ void __launch_bounds__(kHopperThreads, 3)
    conv_stem_hopper_kernel(const StemParams p, int strip, int raw_bytes, int staged_bytes, uint32_t tiles_across,
                            uint32_t tiles_down) {
#ifdef HALFTONE_HOPPER
  constexpr int kSteps = kHeight * kHalves;
  constexpr int kWidth = 2 * (kLine - 1) + 4 * kHalves;
  constexpr int kPitch = kWidth * kPixelBytes;
  constexpr int kOutBytes = kStagedChannels * static_cast<int>(sizeof(Out));  // of a pixel
  constexpr int kChunks = kOutBytes / 16;
  constexpr int kStagedBytes = kLine * kOutBytes;
  const ConvParams& c = p.conv;
  extern __shared__ __align__(128) char shared[];  // results of two lines, before them the strip as it lies; the window
  __shared__ uint64_t arrived;
  char* window = shared + staged_bytes;
  const uint32_t staged_at = shared_address(shared);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;

  const uint32_t line = blockIdx.x / tiles_across;
  const int first_x = static_cast<int>(blockIdx.x - line * tiles_across) * kLine;
  const int image = static_cast<int>(line / tiles_down);
  const int first_y = static_cast<int>(line - static_cast<uint32_t>(image) * tiles_down) * strip;
  const int lines = min(strip, c.out_height - first_y);
  const int first_channel = static_cast<int>(blockIdx.y) * kStagedChannels;
  const int top = first_y * 2 - c.pad_top;
  const int rows = 2 * (lines - 1) + kHeight;
  const Source* pixels = static_cast<const Source*>(c.input) + int64_t{image} * c.height * c.width * c.input_pitch;
  if (raw_bytes > 0) {
    if (thread == 0) {
      start_barrier(shared_address(&arrived), 1);
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
      const int first = max(top, 0), after = min(top + rows, c.height);
      const int bytes = (after - first) * c.width * c.channels * static_cast<int>(sizeof(Source));
      arrive_expecting(shared_address(&arrived), bytes);
      copy_bulk(staged_at, pixels + int64_t{first} * c.width * c.channels, bytes, shared_address(&arrived));
    }
    __syncthreads();
  }

  uint32_t weights[kSteps][4];
  const auto* packed =
      static_cast<const uint4*>(c.weights) + static_cast<int64_t>(blockIdx.y) * kSteps * kHopperThreads;
#pragma unroll
  for (int s = 0; s < kSteps; ++s) {
    const uint4 four = __ldg(packed + s * kHopperThreads + thread);
    weights[s][0] = four.x, weights[s][1] = four.y, weights[s][2] = four.z, weights[s][3] = four.w;
  }
  const int row = warp * 16 + lane / 4;
  Epilogue<float, Out, 1> low, high;  // of rows `row` and `row` + 8
  low.load(c, first_channel + hopper_channel(row, sizeof(Out)));
  high.load(c, first_channel + hopper_channel(row + 8, sizeof(Out)));

  const int left = first_x * 2 - c.pad_left;
  if (raw_bytes > 0) {
    wait_barrier(shared_address(&arrived), 0);
    const StripSource<Source> source{reinterpret_cast<const Source*>(shared), max(top, 0), c.channels};
    stage_strip<T, Source>(p, source, window, top, left, rows, kWidth);
  } else {
    stage_strip<T, Source>(p, {pixels, 0, c.input_pitch}, window, top, left, rows, kWidth);
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();

  const uint64_t windows = overlapping_windows(shared_address(window));
  const int columns = min(kLine, c.out_width - first_x);
  Out* output = static_cast<Out*>(c.output) +
                ((int64_t{image} * c.out_height + first_y) * c.out_width + first_x) * c.output_pitch + first_channel;
  auto copy_out = [&](int which) {
    const char* from = shared + (which & 1) * kStagedBytes;
    Out* to = output + int64_t{which} * c.out_width * c.output_pitch;
#pragma unroll
    for (int i = 0; i < (kLine * kChunks + kHopperThreads - 1) / kHopperThreads; ++i) {
      const int item = thread + i * kHopperThreads;
      const int pixel = item / kChunks;
      const int chunk = item % kChunks;
      const int channel = chunk * 16 / static_cast<int>(sizeof(Out));
      if (pixel >= columns || first_channel + channel >= c.outputs) continue;
      const int swizzled = chunk ^ (sizeof(Out) == 1 ? pixel / 2 % 4 : pixel % 8);
      *reinterpret_cast<uint4*>(to + int64_t{pixel} * c.output_pitch + channel) =
          *reinterpret_cast<const uint4*>(from + pixel * kOutBytes + swizzled * 16);
    }
  };
#pragma unroll 1
  for (int l = 0; l < lines; ++l) {
    float sums[56];
    begin_products();
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
      const int at = s / kHalves * kPitch + s % kHalves * 32;
      multiply_line(T{}, sums, weights[s], windows + l * (2 * kPitch / 16) + at / 16, s > 0 ? 1 : 0);
    }
    commit_products();
    if (l > 0) copy_out(l - 1);
    wait_products<0>();
#pragma unroll
    for (int i = 0; i < 56; ++i) sums[i] = i % 4 < 2 ? low.apply(c, 0, sums[i]) : high.apply(c, 0, sums[i]);
    constexpr int kBlocks = sizeof(Out) == 1 ? 4 : 2;  // of 8 pixels, stored at once
#pragma unroll
    for (int j = 0; j < 14; j += kBlocks) {
      uint32_t words[4];
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        const int at = min(j + m * kBlocks / 4, 13) * 4;
        if constexpr (sizeof(Out) == 1) {
          words[m] = pack_bytes<Out>(sums[at], sums[at + 2], sums[at + 1], sums[at + 3]);
        } else {
          words[m] = pack_pair<Out>(sums[at + m % 2 * 2], sums[at + m % 2 * 2 + 1]);
        }
      }
      // A matrix beyond the line is the last one once more.
      const int matrix = lane / 8;
      const int pixel = min(j + matrix * kBlocks / 4, 13) * 8 + lane % 8;
      const int chunk = sizeof(Out) == 1 ? warp ^ pixel / 2 % 4 : (warp * 2 + matrix % 2) ^ pixel % 8;
      store_columns(staged_at + (l & 1) * kStagedBytes + pixel * kOutBytes + chunk * 16, words);
    }
    __syncthreads();
  }
  copy_out(lines - 1);
#endif
}

template <typename T, typename Source, typename Out, int kHeight, int kHalves>
cudaError_t launch_hopper_as(const StemParams& p, cudaStream_t stream) {
  const ConvParams& c = p.conv;
  auto* kernel = conv_stem_hopper_kernel<T, Source, Out, kHeight, kHalves>;
  static std::atomic<std::uint64_t> allowed{0};
  if (const cudaError_t error = allow_shared(kernel, kMostSharedBytes, allowed); error != cudaSuccess) return error;
  constexpr int kWidth = 2 * (kLine - 1) + 4 * kHalves;
  int device = 0, processors = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (error != cudaSuccess) return error;
  const int64_t across = (c.out_width + kLine - 1) / kLine;
  const int64_t channel_tiles = (c.outputs + kStagedChannels - 1) / kStagedChannels;
  // Strips share their border rows: long ones where there are enough for all places.
  int strip = 8;
  while (strip > 1 && across * channel_tiles * c.batch * ((c.out_height + strip - 1) / strip) < 3 * processors)
    strip /= 2;
  const int64_t down = (c.out_height + strip - 1) / strip;
  const int64_t blocks = across * down * c.batch;
  if (blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
  const int rows = 2 * (strip - 1) + kHeight;
  // One copy brings a strip whose lines are whole chunks of 16 bytes.
  const int64_t line_bytes = int64_t{c.width} * c.channels * static_cast<int>(sizeof(Source));
  const bool whole = c.input_pitch == c.channels && line_bytes % 16 == 0 && rows * line_bytes <= kMostRawBytes &&
                     reinterpret_cast<uintptr_t>(c.input) % 16 == 0;
  const int raw = whole ? static_cast<int>(rows * line_bytes) : 0;
  const int staged = (std::max(raw, 2 * kLine * kStagedChannels * static_cast<int>(sizeof(Out))) + 127) / 128 * 128;
  const int window = rows * kWidth * kPixelBytes + kBeyond;
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(channel_tiles));
  kernel<<<grid, kHopperThreads, static_cast<size_t>(staged + window), stream>>>(
      p, strip, raw, staged, static_cast<uint32_t>(across), static_cast<uint32_t>(down));
  return cudaGetLastError();
}

/// Input of type Source, multiplied as T, stored as Out.
template <typename T, typename Source, typename Out>
cudaError_t launch_hopper(const StemParams& p, cudaStream_t stream) {
  return p.conv.kernel_height == 7 ? launch_hopper_as<T, Source, Out, 7, 2>(p, stream)
                                   : launch_hopper_as<T, Source, Out, 3, 1>(p, stream);
}

}  // namespace halftone::cuda::stem
