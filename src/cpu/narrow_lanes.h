#pragma once
#include "cpu/narrow_lines.h"
#include "cpu/tile_lanes.h"

// Convolution of few channels by Lanes (include lanes_*.h before); internal linkage. The lines under the kernel wait
// padded and ready to multiply in a ring.
namespace halftone::cpu {
namespace {

/// tile[r][c] = the sums of kRows outputs, `apart` bytes between their windows, and kVectors vectors of channels.
template <typename Product, int kRows, int kVectors>
void multiply_lines(const char* const* lines, int kh, long at, long apart, const char* w, long steps, float* tile) {
  typename Product::Sum sums[kRows][kVectors];
  repeat<kRows>([&]<int r>() __attribute__((always_inline)) {
    repeat<kVectors>([&]<int v>() __attribute__((always_inline)) { sums[r][v] = Product::zero(); });
  });
  for (int i = 0; i < kh; ++i) {
    const char* x[kRows];
    repeat<kRows>([&]<int r>() __attribute__((always_inline)) { x[r] = lines[i] + at + r * apart; });
    for (long k = 0; k < steps; ++k) {
      typename Product::Sum columns[kVectors];
      repeat<kVectors>([&]<int v>() __attribute__((always_inline)) {
        columns[v] = Product::weights(w + v * Lanes::kWidth * 4);
      });
      w += kVectors * Lanes::kWidth * 4;
      repeat<kRows>([&]<int r>() __attribute__((always_inline)) {
        const auto element = Product::broadcast(x[r], k);
        repeat<kVectors>([&]<int v>()
                             __attribute__((always_inline)) { Product::step(sums[r][v], element, columns[v]); });
      });
    }
  }
  repeat<kRows>([&]<int r>() __attribute__((always_inline)) {
    repeat<kVectors>([&]<int v>() __attribute__((always_inline)) {
      Lanes::store(tile + r * kTileColumns + v * Lanes::kWidth, Product::floats(sums[r][v]));
    });
  });
}

using MultiplyLines = void (*)(const char* const*, int, long, long, const char*, long, float*);

template <typename Product, int kRows>
MultiplyLines lines_by_vectors(int vectors) {
  if constexpr (Lanes::kVectors > 2) {
    if (vectors == 4) return multiply_lines<Product, kRows, 4>;
    if (vectors == 3) return multiply_lines<Product, kRows, 3>;
  }
  return vectors == 2 ? multiply_lines<Product, kRows, 2> : multiply_lines<Product, kRows, 1>;
}

/// As many outputs at once as sums fit the registers, then three, then one by one.
template <typename Product>
void narrow(const NarrowTask& task, long element, long steps, void (*ready)(const NarrowTask&, long, unsigned char*)) {
  const FinishTile finish = choose_finish(task.out);
  alignas(64) float tile[Lanes::kRows * kTileColumns];
  const long apart = task.stride_w * task.channels * element;
  long next = task.line_begin * task.stride_h - task.pad_top;
  const char* lines[kNarrowRows];
  for (long oh = task.line_begin; oh < task.line_end; ++oh) {
    const long top = oh * task.stride_h - task.pad_top;
    for (next = next < top ? top : next; next < top + task.kh; ++next) ready(task, next, line_place(task, next));
    for (int i = 0; i < task.kh; ++i) lines[i] = reinterpret_cast<const char*>(line_place(task, top + i));
    for (int column = 0; column < task.out.channels; column += kTileColumns) {
      const int columns = task.out.channels - column < kTileColumns ? task.out.channels - column : kTileColumns;
      const int vectors = (columns + Lanes::kWidth - 1) / Lanes::kWidth;
      const char* w = static_cast<const char*>(task.weights) + static_cast<long>(column) * task.kh * steps * 4;
      const MultiplyLines six = lines_by_vectors<Product, Lanes::kRows>(vectors);
      const MultiplyLines one = lines_by_vectors<Product, 1>(vectors);
      const MultiplyLines three = lines_by_vectors<Product, 3>(vectors);
      for (long ow = 0; ow < task.ow;) {
        const long left = task.ow - ow;
        const int rows = left >= Lanes::kRows ? Lanes::kRows : left >= 3 ? 3 : 1;
        (rows == Lanes::kRows ? six : rows == 3 ? three : one)(lines, task.kh, ow * apart, apart, w, steps, tile);
        finish(task.out, tile, oh * task.ow + ow, rows, column, columns);
        ow += rows;
      }
    }
  }
}

void ready_floats(const NarrowTask& task, long ih, unsigned char* to) {
  pad_line<4>(task, ih, to, [&](unsigned char* place, long from, long count) {
    auto* values = reinterpret_cast<float*>(place);
    if (from < 0) {
      for (long i = 0; i < count; ++i) values[i] = 0;
    } else if (task.x_type == Element::f32) {
      __builtin_memcpy(values, static_cast<const float*>(task.x) + from, static_cast<unsigned long>(count) * 4);
    } else {
      for (long i = 0; i < count; i += Lanes::kWidth) {
        const int n = count - i < Lanes::kWidth ? static_cast<int>(count - i) : Lanes::kWidth;
        Lanes::store(values + i, load_elements<Element::bf16>(task.x, from + i, n), n);
      }
    }
  });
}

void ready_bytes(const NarrowTask& task, long ih, unsigned char* to) {
  unsigned char* plain = task.lines + task.kh * task.line_bytes;
  pad_line<1>(task, ih, plain, [&](unsigned char* place, long from, long count) {
    if (count <= 0) return;
    if (from < 0) __builtin_memset(place, task.padding, static_cast<unsigned long>(count));
    else __builtin_memcpy(place, static_cast<const unsigned char*>(task.x) + from, static_cast<unsigned long>(count));
  });
  Lanes::prepare(plain, to, static_cast<int>(covered(task)), task.sign_flip);
}

void narrow_floats(const NarrowTask& task) { narrow<FloatProduct>(task, 4, task.kw * task.channels, ready_floats); }

void narrow_int8(const NarrowTask& task) {
  narrow<ByteProduct>(task, Lanes::kPreparedBytes, (task.kw * task.channels + Lanes::kDot - 1) / Lanes::kDot,
                      ready_bytes);
}

constexpr Narrow kNarrow{.floats = narrow_floats, .int8 = narrow_int8, .panels = kPanels, .bf16 = false};

}  // namespace
}  // namespace halftone::cpu
