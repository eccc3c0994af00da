#pragma once
#include "cpu/pointwise.h"
#include "cpu/tile_lanes.h"

// A product of rows of x with panels of weights, by Lanes (include lanes_*.h before); internal linkage.
namespace halftone::cpu {
namespace {

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

/// Panels outside, rows inside: a panel stays in the first-level cache while the rows of the task pass.
template <typename Product>
void pointwise(const PointwiseTask& task, long steps, const char* (*row_of)(const PointwiseTask&, long)) {
  const FinishTile finish = choose_finish(task.out);
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
      finish(task.out, tile, row, rows, column, columns);
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

constexpr Pointwise kPointwise{.f32 = pointwise_f32, .int8 = pointwise_int8, .panels = kPanels};

}  // namespace
}  // namespace halftone::cpu
