#pragma once
#include "cuda/conv_stem_hopper.h"

#include <algorithm>

#include "cuda/conv_gemm.cuh"
#include "cuda/dependency.cuh"
#include "cuda/launch.h"
#include "cuda/shared_limit.h"
#include "cuda/wgmma.cuh"

namespace halftone::cuda::stem {

constexpr int kHopperThreads = 128;
constexpr int kStagedChannels = kHopperChannels;
constexpr int kMostRawBytes = 48 * 1024;
constexpr int kMostSharedBytes = 128 * 1024;
/// Room behind the window: compute-sanitizer takes a product's columns to lie apart, not overlapping.
constexpr int kBeyond = 2048;

/// Windows of kHeight x kTaps pixels of four values of T, kStride apart both ways. Neighbouring columns of the tensor
/// cores' right operand begin 16 bytes apart, two pixels of 16-bit values or four of bytes. Windows that are closer
/// have the strip laid out several times, each a window further on, and a product takes every so manieth output. Of
/// windows four pixels of 16 bits apart the first and the second pairs lie in planes of their own, and a product's next
/// 16 bytes down a window are in the other plane.
template <typename T, int kHeight_, int kTaps_, int kStride_>
struct HopperWindow {
  static constexpr int kHeight = kHeight_;
  static constexpr int kStride = kStride_;
  static constexpr int kPixelBytes = 4 * static_cast<int>(sizeof(T));
  static constexpr int kChunkPixels = 16 / kPixelBytes;
  static constexpr int kStepPixels = 2 * kChunkPixels;  // 32 bytes down a window
  static_assert(kStride == 1 || kStride == 2 || kStride == 4);
  static constexpr int kStepsAcross = (kTaps_ + kStepPixels - 1) / kStepPixels;  // products a line of the window
  static constexpr int kSteps = kHeight * kStepsAcross;
  static constexpr bool kPlanes = kStride > kChunkPixels;
  static constexpr int kCopies = kPlanes ? 1 : kChunkPixels / kStride;
  static constexpr int kLine = sizeof(T) == 1 || kPlanes ? 56 : 112;  // output pixels of one product
  static constexpr int kSums = sizeof(T) == 1 ? 64 / 2 : kLine / 2;   // integer products have no 56 columns
  static constexpr int kTile = kLine * kCopies;                       // output pixels of a line that a block computes
  static constexpr int kWidth = (kPlanes ? kStride : kChunkPixels) * (kLine - 1) + kStepPixels * kStepsAcross;
  static constexpr int kPitch = kWidth * kPixelBytes;       // of a line laid out
  static constexpr int kPlane = kPlanes ? kPitch / 2 : 16;  // from one 16 bytes down a window to the next
  static constexpr int kNextStep = kPlanes ? 16 : 32;       // bytes
  static constexpr int kMostLines = kHeight > 8 ? 6 : 8;    // of a block
  static constexpr int kBlocks = kSteps > 20      ? (sizeof(T) == 1 ? 3 : 2)
                                 : sizeof(T) == 1 ? 4
                                                  : 3;  // wanted on one multiprocessor
  static_assert(!kPlanes || kStride == 2 * kChunkPixels);
  static constexpr int rows(int lines) { return kStride * (lines - 1) + kHeight; }

  /// Where pixel `x` of a line of a copy lies.
  __device__ static int place(int line, int x) {
    if constexpr (kPlanes) {
      return line * kPitch + x / kChunkPixels % 2 * kPlane + x / kStepPixels * 16 + x % kChunkPixels * kPixelBytes;
    } else {
      return (line * kWidth + x) * kPixelBytes;
    }
  }
};

#define HALFTONE_NAMES_28 \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27"
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
#define HALFTONE_HALF_LINE_PRODUCT(types)                                                                       \
  asm volatile("{ .reg .pred keep; setp.ne.b32 keep, %33, 0; wgmma.mma_async.sync.aligned.m64n56k16.f32." types \
               " {" HALFTONE_NAMES_28 "},{%28,%29,%30,%31},%32, keep, 1, 1, 0; }"                               \
               : HALFTONE_D16(HALFTONE_FLOAT_SUM, 0), HALFTONE_D4(HALFTONE_FLOAT_SUM, 16),                      \
                 HALFTONE_D4(HALFTONE_FLOAT_SUM, 20), HALFTONE_D4(HALFTONE_FLOAT_SUM, 24)                       \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(keep))

#define HALFTONE_BYTES_PRODUCT(types)                                                                           \
  asm volatile("{ .reg .pred keep; setp.ne.b32 keep, %37, 0; wgmma.mma_async.sync.aligned.m64n64k32.s32." types \
               " {" HALFTONE_NAMES_32 "},{%32,%33,%34,%35},%36, keep; }"                                        \
               : HALFTONE_D32(HALFTONE_WHOLE_SUM, 0)                                                            \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(keep))

#ifdef HALFTONE_HOPPER
/// d = a * b, plus d where `keep`: 64 channels by 112 or 56 pixels (64 of bytes), 32 bytes deep; `a` in registers, `b`
/// describes shared memory. The first parameter is what the pixels' values are.
__device__ __forceinline__ void multiply_line(__half, float (&d)[56], const uint32_t (&a)[4], uint64_t b, int keep) {
  HALFTONE_LINE_PRODUCT("f16.f16");
}
__device__ __forceinline__ void multiply_line(__nv_bfloat16, float (&d)[56], const uint32_t (&a)[4], uint64_t b,
                                              int keep) {
  HALFTONE_LINE_PRODUCT("bf16.bf16");
}
__device__ __forceinline__ void multiply_line(__half, float (&d)[28], const uint32_t (&a)[4], uint64_t b, int keep) {
  HALFTONE_HALF_LINE_PRODUCT("f16.f16");
}
__device__ __forceinline__ void multiply_line(__nv_bfloat16, float (&d)[28], const uint32_t (&a)[4], uint64_t b,
                                              int keep) {
  HALFTONE_HALF_LINE_PRODUCT("bf16.bf16");
}

__device__ __forceinline__ void multiply_line(int8_t, int32_t (&d)[32], const uint32_t (&a)[4], uint64_t b, int keep) {
  HALFTONE_BYTES_PRODUCT("s8.s8");
}
__device__ __forceinline__ void multiply_line(uint8_t, int32_t (&d)[32], const uint32_t (&a)[4], uint64_t b, int keep) {
  HALFTONE_BYTES_PRODUCT("s8.u8");
}

/// Describes columns that begin 16 bytes apart, one in the next, and go on `next` bytes further every 16: windows
/// without a copy of any.
__device__ __forceinline__ uint64_t overlapping_windows(uint32_t address, int next) {
  constexpr uint64_t kNextEight = 128 / 16;
  return (address & 0x3ffff) >> 4 | static_cast<uint64_t>(next / 16) << 16 | kNextEight << 32;
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

/// A pixel of the window: `channels` of the four values, or the padding, as T.
template <typename T, typename Source>
__device__ __forceinline__ auto pixel_of(const Source (&raw)[4], bool inside, float padding, int channels) {
  if constexpr (sizeof(T) == 1) {
    const auto outside = static_cast<uint32_t>(static_cast<int>(padding)) & 0xff;
    uint32_t out = 0;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const uint32_t value = inside ? static_cast<uint8_t>(raw[k]) : outside;
      if (k < channels) out |= value << 8 * k;
    }
    return out;
  } else {
    float values[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      values[k] = inside ? to_float(raw[k]) : padding;
      if (k >= channels) values[k] = 0.0F;
    }
    return make_uint2(pack_pair<T>(values[0], values[1]), pack_pair<T>(values[2], values[3]));
  }
}

/// Lays a strip of the image out in shared memory as pixels of four values; outside the image lies the padding. Further
/// copies follow after `copy_bytes`.
template <typename T, typename Window, typename Source>
__device__ __forceinline__ void stage_strip(const StemParams& p, const StripSource<Source>& source, char* window,
                                            int top, int left, int rows, int copy_bytes) {
  constexpr int kAtOnce = 4;
  constexpr int kWidth = Window::kWidth + (Window::kCopies - 1) * Window::kStride;
  const ConvParams& c = p.conv;
  const int pixels = rows * kWidth;
  for (int first = static_cast<int>(threadIdx.x); first < pixels; first += kHopperThreads * kAtOnce) {
    Source raw[kAtOnce][4];
    uint32_t inside = 0;
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int index = first + i * kHopperThreads;
      const int row = index / kWidth;
      const int y = top + row;
      const int x = left + index - row * kWidth;
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
      const auto pixel = pixel_of<T>(raw[i], (inside >> i & 1U) != 0, p.padding, c.channels);
      const int line = index / kWidth;
#pragma unroll
      for (int copy = 0; copy < Window::kCopies; ++copy) {
        const int x = index - line * kWidth - copy * Window::kStride;
        if (Window::kCopies > 1 && (x < 0 || x >= Window::kWidth)) continue;
        *reinterpret_cast<std::remove_const_t<decltype(pixel)>*>(window + copy * copy_bytes + Window::place(line, x)) =
            pixel;
      }
    }
  }
}
#endif

/// A block computes 64 channels of `strip` lines of up to Window::kTile pixels. The weights stay in registers; the
/// tensor cores read the windows of neighbouring pixels where they lie, overlapping, in the staged strip. Products are
/// transposed, channels by pixels, so a thread has two channels and their numbers in registers; matrix stores turn them
/// round.
template <typename T, typename Source, typename Out, typename Window>
__global__ void __launch_bounds__(kHopperThreads, Window::kBlocks)
    conv_stem_hopper_kernel(const StemParams p, int strip, int raw_bytes, int staged_bytes, uint32_t tiles_across,
                            uint32_t tiles_down) {
#ifdef HALFTONE_HOPPER
  constexpr int kSteps = Window::kSteps;
  constexpr int kLine = Window::kLine;
  constexpr int kCopies = Window::kCopies;
  constexpr int kPitch = Window::kPitch;
  constexpr int kOutBytes = kStagedChannels * static_cast<int>(sizeof(Out));  // of a pixel
  constexpr int kChunks = kOutBytes / 16;
  constexpr int kStagedBytes = kLine * kOutBytes;
  const ConvParams& c = p.conv;
  release_next();
  extern __shared__ __align__(128) char shared[];  // results of two lines, before them the strip as it lies; the window
  __shared__ uint64_t arrived;
  char* window = shared + staged_bytes;
  const uint32_t staged_at = shared_address(shared);
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;

  const uint32_t line = blockIdx.x / tiles_across;
  const int first_x = static_cast<int>(blockIdx.x - line * tiles_across) * Window::kTile;
  const int image = static_cast<int>(line / tiles_down);
  const int first_y = static_cast<int>(line - static_cast<uint32_t>(image) * tiles_down) * strip;
  const int lines = min(strip, c.out_height - first_y);
  const int first_channel = static_cast<int>(blockIdx.y) * kStagedChannels;
  const int top = first_y * Window::kStride - c.pad_top;
  const int rows = Window::rows(lines);
  const int copy_bytes = Window::rows(strip) * kPitch;
  const Source* pixels = static_cast<const Source*>(c.input) + int64_t{image} * c.height * c.width * c.input_pitch;
  await_earlier();
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
  Epilogue<Accumulator<T>, Out, 1> low, high;  // of rows `row` and `row` + 8
  low.load(c, first_channel + hopper_channel(row, sizeof(Out)));
  high.load(c, first_channel + hopper_channel(row + 8, sizeof(Out)));

  const int left = first_x * Window::kStride - c.pad_left;
  if (raw_bytes > 0) {
    wait_barrier(shared_address(&arrived), 0);
    const StripSource<Source> source{reinterpret_cast<const Source*>(shared), max(top, 0), c.channels};
    stage_strip<T, Window, Source>(p, source, window, top, left, rows, copy_bytes);
  } else {
    stage_strip<T, Window, Source>(p, {pixels, 0, c.input_pitch}, window, top, left, rows, copy_bytes);
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();

  const uint64_t windows = overlapping_windows(shared_address(window), Window::kPlane);
  const int columns = min(Window::kTile, c.out_width - first_x);
  Out* output = static_cast<Out*>(c.output) +
                ((int64_t{image} * c.out_height + first_y) * c.out_width + first_x) * c.output_pitch + first_channel;
  auto copy_out = [&](int which) {
    const char* from = shared + (which & 1) * kStagedBytes;
    Out* to = output + int64_t{which / kCopies} * c.out_width * c.output_pitch;
#pragma unroll
    for (int i = 0; i < (kLine * kChunks + kHopperThreads - 1) / kHopperThreads; ++i) {
      const int item = thread + i * kHopperThreads;
      const int pixel = item / kChunks;
      const int chunk = item % kChunks;
      const int channel = chunk * 16 / static_cast<int>(sizeof(Out));
      const int x = pixel * kCopies + which % kCopies;
      if (pixel >= kLine || x >= columns || first_channel + channel >= c.outputs) continue;
      const int swizzled = chunk ^ (sizeof(Out) == 1 ? pixel / 2 % 4 : pixel % 8);
      *reinterpret_cast<uint4*>(to + int64_t{x} * c.output_pitch + channel) =
          *reinterpret_cast<const uint4*>(from + pixel * kOutBytes + swizzled * 16);
    }
  };
#pragma unroll 1
  for (int l = 0; l < lines * kCopies; ++l) {
    Accumulator<T> sums[Window::kSums];
    float results[kLine / 2];
    const uint64_t line_windows =
        windows + l / kCopies * (Window::kStride * kPitch / 16) + l % kCopies * (copy_bytes / 16);
    begin_products();
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
      const int at = s / Window::kStepsAcross * kPitch + s % Window::kStepsAcross * Window::kNextStep;
      multiply_line(T{}, sums, weights[s], line_windows + at / 16, s > 0 ? 1 : 0);
    }
    commit_products();
    if (l > 0) copy_out(l - 1);
    wait_products<0>();
#pragma unroll
    for (int i = 0; i < kLine / 2; ++i) results[i] = i % 4 < 2 ? low.apply(c, 0, sums[i]) : high.apply(c, 0, sums[i]);
    constexpr int kBlocks = sizeof(Out) == 1 ? 4 : 2;  // of 8 pixels, stored at once
    constexpr int kLast = kLine / 8 - 1;
#pragma unroll
    for (int j = 0; j <= kLast; j += kBlocks) {
      uint32_t words[4];
#pragma unroll
      for (int m = 0; m < 4; ++m) {
        const int at = min(j + m * kBlocks / 4, kLast) * 4;
        if constexpr (sizeof(Out) == 1) {
          words[m] = pack_bytes<Out>(results[at], results[at + 2], results[at + 1], results[at + 3]);
        } else {
          words[m] = pack_pair<Out>(results[at + m % 2 * 2], results[at + m % 2 * 2 + 1]);
        }
      }
      // A matrix beyond the line is the last one once more.
      const int matrix = lane / 8;
      const int pixel = min(j + matrix * kBlocks / 4, kLast) * 8 + lane % 8;
      const int chunk = sizeof(Out) == 1 ? warp ^ pixel / 2 % 4 : (warp * 2 + matrix % 2) ^ pixel % 8;
      store_columns(staged_at + (l & 1) * kStagedBytes + pixel * kOutBytes + chunk * 16, words);
    }
    __syncthreads();
  }
  copy_out(lines * kCopies - 1);
#endif
}

template <typename T, typename Source, typename Out, typename Window>
cudaError_t launch_hopper_as(const StemParams& p, cudaStream_t stream) {
  const ConvParams& c = p.conv;
  auto* kernel = conv_stem_hopper_kernel<T, Source, Out, Window>;
  static std::atomic<std::uint64_t> allowed{0};
  if (const cudaError_t error = allow_shared(kernel, kMostSharedBytes, allowed); error != cudaSuccess) return error;
  int device = 0, processors = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (error != cudaSuccess) return error;
  const int64_t across = (c.out_width + Window::kTile - 1) / Window::kTile;
  const int64_t channel_tiles = (c.outputs + kStagedChannels - 1) / kStagedChannels;
  // Strips share their border rows: long ones where there are enough for all places.
  int strip = Window::kMostLines;
  while (strip > 1 &&
         across * channel_tiles * c.batch * ((c.out_height + strip - 1) / strip) < Window::kBlocks * processors)
    strip /= 2;
  const int64_t down = (c.out_height + strip - 1) / strip;
  const int64_t blocks = across * down * c.batch;
  if (blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
  const int rows = Window::rows(strip);
  // One copy brings a strip whose lines are whole chunks of 16 bytes.
  const int64_t line_bytes = int64_t{c.width} * c.channels * static_cast<int>(sizeof(Source));
  const bool whole = c.input_pitch == c.channels && line_bytes % 16 == 0 && rows * line_bytes <= kMostRawBytes &&
                     reinterpret_cast<uintptr_t>(c.input) % 16 == 0;
  const int raw = whole ? static_cast<int>(rows * line_bytes) : 0;
  const int staged =
      (std::max(raw, 2 * Window::kLine * kStagedChannels * static_cast<int>(sizeof(Out))) + 127) / 128 * 128;
  const int window = rows * Window::kPitch * Window::kCopies + kBeyond;
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(channel_tiles));
  return launch_overlapping(kernel, grid, kHopperThreads, static_cast<size_t>(staged + window), stream, p, strip, raw,
                            staged, static_cast<uint32_t>(across), static_cast<uint32_t>(down));
}

/// Input of type Source, multiplied as T, stored as Out.
template <typename T, typename Source, typename Out>
cudaError_t launch_hopper(const StemParams& p, cudaStream_t stream) {
  if (p.conv.kernel_height == 11) return launch_hopper_as<T, Source, Out, HopperWindow<T, 11, 11, 4>>(p, stream);
  if constexpr (sizeof(T) > 1) {
    if (p.conv.kernel_height == 3) {
      return p.conv.stride_height == 1 ? launch_hopper_as<T, Source, Out, HopperWindow<T, 3, 3, 1>>(p, stream)
                                       : launch_hopper_as<T, Source, Out, HopperWindow<T, 3, 3, 2>>(p, stream);
    }
  }
  return launch_hopper_as<T, Source, Out, HopperWindow<T, 7, 7, 2>>(p, stream);
}

}  // namespace halftone::cuda::stem
