#include "cpu/amx_tiles.h"
#include "cpu/lanes_avx512.h"
#include "cpu/narrow_lines.h"
#include "cpu/tile_lanes.h"

// Convolution of few channels on AMX. A tile's rows are the windows of 16 neighbouring outputs on one input line, which
// overlap in memory: nothing is copied but the lines with their padding.
namespace halftone::cpu {
namespace {

constexpr int kPair = 32;  // outputs and channels of a step: two tiles of each
constexpr int kWeightRow = kPair * 4;

struct Unsigned {
  static constexpr bool kBytes = true;
  static void multiply() {
    asm volatile(
        "tdpbusd %tmm6, %tmm4, %tmm0\n\ttdpbusd %tmm7, %tmm4, %tmm1\n\t"
        "tdpbusd %tmm6, %tmm5, %tmm2\n\ttdpbusd %tmm7, %tmm5, %tmm3");
  }
  static void multiply_half() { asm volatile("tdpbusd %tmm6, %tmm4, %tmm0\n\ttdpbusd %tmm7, %tmm4, %tmm1"); }
};

struct Signed {
  static constexpr bool kBytes = true;
  static void multiply() {
    asm volatile(
        "tdpbssd %tmm6, %tmm4, %tmm0\n\ttdpbssd %tmm7, %tmm4, %tmm1\n\t"
        "tdpbssd %tmm6, %tmm5, %tmm2\n\ttdpbssd %tmm7, %tmm5, %tmm3");
  }
  static void multiply_half() { asm volatile("tdpbssd %tmm6, %tmm4, %tmm0\n\ttdpbssd %tmm7, %tmm4, %tmm1"); }
};

struct Brain {
  static constexpr bool kBytes = false;
  static void multiply() {
    asm volatile(
        "tdpbf16ps %tmm6, %tmm4, %tmm0\n\ttdpbf16ps %tmm7, %tmm4, %tmm1\n\t"
        "tdpbf16ps %tmm6, %tmm5, %tmm2\n\ttdpbf16ps %tmm7, %tmm5, %tmm3");
  }
  static void multiply_half() { asm volatile("tdpbf16ps %tmm6, %tmm4, %tmm0\n\ttdpbf16ps %tmm7, %tmm4, %tmm1"); }
};

/// Sums of up to 32 outputs, the first window `at` bytes into its lines, and 32 channels, into `sums` with rows of
/// kTileColumns. Without `both` only the first 16 outputs are made.
template <typename Product>
void multiply(const NarrowTask& task, const unsigned char* const* lines, long at, long apart, const char* w, long steps,
              bool both, float* sums) {
  asm volatile("tilezero %tmm0\n\ttilezero %tmm1\n\ttilezero %tmm2\n\ttilezero %tmm3");
  for (int i = 0; i < task.kh; ++i, w += steps * kWeightRow) {
    const unsigned char* x = lines[i] + at;
    asm volatile("tileloadd (%0,%1), %%tmm6\n\ttileloadd 64(%0,%1), %%tmm7\n\ttileloadd (%2,%3), %%tmm4" ::"r"(w),
                 "r"(static_cast<long>(kWeightRow)), "r"(x), "r"(apart)
                 : "memory");
    if (both) {
      asm volatile("tileloadd (%0,%1), %%tmm5" ::"r"(x + 16 * apart), "r"(apart) : "memory");
      Product::multiply();
    } else {
      Product::multiply_half();
    }
  }
  constexpr long kRow = kTileColumns * 4;
  asm volatile(
      "tilestored %%tmm0, (%0,%2)\n\ttilestored %%tmm1, 64(%0,%2)\n\t"
      "tilestored %%tmm2, (%1,%2)\n\ttilestored %%tmm3, 64(%1,%2)" ::"r"(sums),
      "r"(sums + 16 * kTileColumns), "r"(kRow)
      : "memory");
}

void ready(const NarrowTask& task, long element, long ih, unsigned char* to) {
  const auto copy = [&](unsigned char* place, long from, long count) {
    if (count <= 0) return;
    const auto bytes = static_cast<unsigned long>(count * element);
    if (from < 0) __builtin_memset(place, task.padding, bytes);
    else __builtin_memcpy(place, static_cast<const unsigned char*>(task.x) + from * element, bytes);
  };
  if (element == 1) pad_line<1>(task, ih, to, copy);
  else pad_line<2>(task, ih, to, copy);
  // The last window's group may reach one element further, where its weight is zero: no NaN may lie there.
  __builtin_memset(to + covered(task) * element, 0, 4);
}

template <typename Product>
void narrow(const NarrowTask& task, long element) {
  const FinishTile finish = choose_finish(task.out);
  const long apart = task.stride_w * task.channels * element;
  const long steps = (task.kw * task.channels * element + 3) / 4;
  alignas(64) float sums[kPair * kTileColumns];
  configure_tiles(static_cast<int>(steps));
  long next = task.line_begin * task.stride_h - task.pad_top;
  const unsigned char* lines[kNarrowRows];
  for (long oh = task.line_begin; oh < task.line_end; ++oh) {
    const long top = oh * task.stride_h - task.pad_top;
    for (next = next < top ? top : next; next < top + task.kh; ++next)
      ready(task, element, next, line_place(task, next));
    for (int i = 0; i < task.kh; ++i) lines[i] = line_place(task, top + i);
    for (long ow = 0; ow < task.ow; ow += kPair) {
      const int rows = task.ow - ow < kPair ? static_cast<int>(task.ow - ow) : kPair;
      for (int column = 0; column < task.out.channels; column += kTileColumns) {
        const int columns = task.out.channels - column < kTileColumns ? task.out.channels - column : kTileColumns;
        for (int pair = 0; pair < columns; pair += kPair)
          multiply<Product>(
              task, lines, ow * apart, apart,
              static_cast<const char*>(task.weights) + (column + pair) / kPair * task.kh * steps * kWeightRow, steps,
              rows > 16, sums + pair);
        if constexpr (Product::kBytes)
          for (int i = 0; i < rows * kTileColumns; i += 16)
            _mm512_store_ps(sums + i, _mm512_cvtepi32_ps(_mm512_load_si512(sums + i)));
        finish(task.out, sums, oh * task.ow + ow, rows, column, columns);
      }
    }
  }
  asm volatile("tilerelease");
}

void narrow_bf16(const NarrowTask& task) { narrow<Brain>(task, 2); }

void narrow_int8(const NarrowTask& task) { (task.sign_flip ? narrow<Signed> : narrow<Unsigned>)(task, 1); }

}  // namespace

const Narrow narrow_amx{.floats = narrow_bf16,
                        .int8 = narrow_int8,
                        .panels = {.width = kPair,
                                   .panel = kPair,
                                   .rows = kPair,
                                   .dot = 4,
                                   .weight_bytes = 1,
                                   .prepared_bytes = 1,
                                   .always_prepares = false,
                                   .signed_shift = 0},
                        .bf16 = true};

}  // namespace halftone::cpu
