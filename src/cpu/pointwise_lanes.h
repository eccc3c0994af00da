#pragma once
#include "cpu/affine_lanes.h"
#include "cpu/pointwise.h"
#include "cpu/repeat.h"

// A product of rows of x with panels of weights, by Lanes (include lanes_*.h before); internal linkage.
namespace halftone::cpu {
namespace {

struct FloatProduct {
  using Sum = Lanes::F;
  static Sum zero() { return Lanes::zero(); }
  static Sum broadcast(const void* x, long at) { return Lanes::set(static_cast<const float*>(x)[at]); }
  static void step(Sum& sum, Sum x, Sum w) { sum = Lanes::fma(x, w, sum); }
  static Sum weights(const void* w) { return Lanes::load(static_cast<const float*>(w)); }
  static Lanes::F floats(Sum sum) { return sum; }
};

struct ByteProduct {
  using Sum = Lanes::I;
  static Sum zero() { return Lanes::zero_sums(); }
  static Sum broadcast(const void* x, long at) {
    std::int32_t four;
    __builtin_memcpy(&four, static_cast<const char*>(x) + 4 * at, 4);
    return Lanes::set(four);
  }
  static void step(Sum& sum, Sum x, Sum w) { Lanes::dot(sum, x, w); }
  static Sum weights(const void* w) { return Lanes::load_sums(w); }
  static Lanes::F floats(Sum sum) { return Lanes::floats(sum); }
};

constexpr int kTileColumns = Lanes::kVectors * Lanes::kWidth;

/// tile[r][c] = the sums of kRows rows and kVectors vectors; every element of x and w takes four bytes.
template <typename Product, int kRows, int kVectors>
void multiply(const char* const* rows, const char* w, long steps, float* tile) {
  typename Product::Sum sums[kRows][kVectors];
  const char* x[kRows];
  repeat<kRows>([&]<int r>() __attribute__((always_inline)) {
    x[r] = rows[r];
    repeat<kVectors>([&]<int v>() __attribute__((always_inline)) { sums[r][v] = Product::zero(); });
  });
  for (long k = 0; k < steps; ++k) {
    typename Product::Sum columns[kVectors];
    repeat<kVectors>([&]<int v>()
                         __attribute__((always_inline)) { columns[v] = Product::weights(w + v * Lanes::kWidth * 4); });
    w += kVectors * Lanes::kWidth * 4;
    repeat<kRows>([&]<int r>() __attribute__((always_inline)) {
      const auto element = Product::broadcast(x[r], k);
      repeat<kVectors>([&]<int v>() __attribute__((always_inline)) { Product::step(sums[r][v], element, columns[v]); });
    });
  }
  repeat<kRows>([&]<int r>() __attribute__((always_inline)) {
    repeat<kVectors>([&]<int v>() __attribute__((always_inline)) {
      Lanes::store(tile + r * kTileColumns + v * Lanes::kWidth, Product::floats(sums[r][v]));
    });
  });
}

using Multiply = void (*)(const char* const*, const char*, long, float*);

template <typename Product, int kRows>
Multiply by_vectors(int vectors) {
  if constexpr (Lanes::kVectors > 2) {
    if (vectors == 4) return multiply<Product, kRows, 4>;
    if (vectors == 3) return multiply<Product, kRows, 3>;
  }
  return vectors == 2 ? multiply<Product, kRows, 2> : multiply<Product, kRows, 1>;
}

template <typename Product>
Multiply choose_multiply(int rows, int vectors) {
  switch (rows) {
    case 1: return by_vectors<Product, 1>(vectors);
    case 2: return by_vectors<Product, 2>(vectors);
    case 3: return by_vectors<Product, 3>(vectors);
    case 4: return by_vectors<Product, 4>(vectors);
    case 5: return by_vectors<Product, 5>(vectors);
    default: return by_vectors<Product, 6>(vectors);
  }
}

/// A tile as wide as they come: scales and biases stay in registers, bytes are stored a row at a time.
template <Element kResidual, Element kOut>
void finish_full_tile(const PointwiseTask& task, const float* tile, long row, int rows, int column) {
  Lanes::F scale[Lanes::kVectors], bias[Lanes::kVectors];
  repeat<Lanes::kVectors>([&]<int v>() __attribute__((always_inline)) {
    scale[v] = Lanes::load(task.affine.scale + column + v * Lanes::kWidth);
    bias[v] = Lanes::load(task.affine.bias + column + v * Lanes::kWidth);
  });
  for (int r = 0; r < rows; ++r) {
    const long at = (row + r) * task.channels + column;
    Lanes::F values[Lanes::kVectors];
    repeat<Lanes::kVectors>([&]<int v>() __attribute__((always_inline)) {
      values[v] = finish_value<kResidual>(Lanes::load(tile + r * kTileColumns + v * Lanes::kWidth), scale[v], bias[v],
                                          task.affine, task.residual, at + v * Lanes::kWidth, Lanes::kWidth);
    });
    if constexpr (kOut == Element::u8 || kOut == Element::i8)
      Lanes::store_bytes<kOut == Element::i8>(static_cast<char*>(task.y) + at, values);
    else
      repeat<Lanes::kVectors>([&]<int v>() __attribute__((always_inline)) {
        store_elements<kOut>(task.y, at + v * Lanes::kWidth, values[v], Lanes::kWidth);
      });
  }
}

template <Element kResidual, Element kOut>
void finish_tile(const PointwiseTask& task, const float* tile, long row, int rows, int column, int columns) {
  if (columns == kTileColumns) return finish_full_tile<kResidual, kOut>(task, tile, row, rows, column);
  for (int r = 0; r < rows; ++r) {
    const long at = (row + r) * task.channels + column;
    for (int c = 0; c < columns; c += Lanes::kWidth) {
      const int n = columns - c < Lanes::kWidth ? columns - c : Lanes::kWidth;
      finish_vector<kResidual, kOut>(Lanes::load(tile + r * kTileColumns + c), task.affine, column + c, task.residual,
                                     task.y, at + c, n);
    }
  }
}

using FinishTile = void (*)(const PointwiseTask&, const float*, long, int, int, int);

/// Panels outside, rows inside: a panel stays in the first-level cache while the rows of the task pass.
template <typename Product>
void pointwise(const PointwiseTask& task, long steps, const char* (*row_of)(const PointwiseTask&, long)) {
  FinishTile finish = nullptr;
  with_types(task.residual_type, task.y_type,
             [&]<Element kResidual, Element kOut>() { finish = finish_tile<kResidual, kOut>; });
  alignas(64) float tile[Lanes::kRows * kTileColumns];
  for (int column = task.column_begin; column < task.column_end; column += kTileColumns) {
    const int columns = task.column_end - column < kTileColumns ? task.column_end - column : kTileColumns;
    const int vectors = (columns + Lanes::kWidth - 1) / Lanes::kWidth;
    const Multiply full = choose_multiply<Product>(Lanes::kRows, vectors);
    const char* w = static_cast<const char*>(task.weights) + static_cast<long>(column) * steps * 4;
    for (long row = task.row_begin; row < task.row_end; row += Lanes::kRows) {
      const int rows = task.row_end - row < Lanes::kRows ? static_cast<int>(task.row_end - row) : Lanes::kRows;
      const char* pointers[Lanes::kRows];
      for (int r = 0; r < rows; ++r) pointers[r] = row_of(task, row + r);
      (rows == Lanes::kRows ? full : choose_multiply<Product>(rows, vectors))(pointers, w, steps, tile);
      finish(task, tile, row, rows, column, columns);
    }
  }
}

const char* plain_row(const PointwiseTask& task, long row) {
  return static_cast<const char*>(task.x) + row / task.row_length * task.line_stride +
         row % task.row_length * task.pixel_stride;
}

long prepared_length(const PointwiseTask& task) { return (task.depth + Lanes::kDot - 1) / Lanes::kDot * 4L; }

const char* prepared_row(const PointwiseTask& task, long row) {
  return reinterpret_cast<const char*>(task.scratch) + (row - task.row_begin) * prepared_length(task);
}

void pointwise_f32(const PointwiseTask& task) { pointwise<FloatProduct>(task, task.depth, plain_row); }

void pointwise_int8(const PointwiseTask& task) {
  const long length = prepared_length(task);
  if (task.prepare)
    for (long row = task.row_begin; row < task.row_end; ++row) {
      unsigned char* to = task.scratch + (row - task.row_begin) * length;
      __builtin_memset(to + length - 4, 0, 4);
      Lanes::prepare(reinterpret_cast<const unsigned char*>(plain_row(task, row)), to, task.depth, task.sign_flip);
    }
  pointwise<ByteProduct>(task, length / 4, task.prepare ? prepared_row : plain_row);
}

constexpr Pointwise kPointwise{.f32 = pointwise_f32,
                               .int8 = pointwise_int8,
                               .width = Lanes::kWidth,
                               .panel = kTileColumns,
                               .rows = Lanes::kRows,
                               .dot = Lanes::kDot,
                               .weight_bytes = Lanes::kPreparedBytes,
                               .prepared_bytes = Lanes::kPreparedBytes,
                               .always_prepares = Lanes::kPreparedBytes != 1,
                               .signed_shift = Lanes::kPreparedBytes == 1 ? 128 : 0};

}  // namespace
}  // namespace halftone::cpu
