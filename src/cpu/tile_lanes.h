#pragma once
#include "cpu/affine_lanes.h"
#include "cpu/panels.h"
#include "cpu/repeat.h"

// Tiles of sums by Lanes (include lanes_*.h before): their products and where they go; internal linkage.
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

constexpr Panels kPanels{.width = Lanes::kWidth,
                         .panel = kTileColumns,
                         .rows = Lanes::kRows,
                         .dot = Lanes::kDot,
                         .weight_bytes = Lanes::kPreparedBytes,
                         .prepared_bytes = Lanes::kPreparedBytes,
                         .always_prepares = Lanes::kPreparedBytes != 1,
                         .signed_shift = Lanes::kPreparedBytes == 1 ? 128 : 0};

/// A tile as wide as they come: scales and biases stay in registers, bytes are stored a row at a time.
template <Element kResidual, Element kOut>
void finish_full_tile(const Destination& out, const float* tile, long row, int rows, int column) {
  Lanes::F scale[Lanes::kVectors], bias[Lanes::kVectors];
  repeat<Lanes::kVectors>([&]<int v>() __attribute__((always_inline)) {
    scale[v] = Lanes::load(out.affine.scale + column + v * Lanes::kWidth);
    bias[v] = Lanes::load(out.affine.bias + column + v * Lanes::kWidth);
  });
  for (int r = 0; r < rows; ++r) {
    const long at = (row + r) * out.channels + column;
    Lanes::F values[Lanes::kVectors];
    repeat<Lanes::kVectors>([&]<int v>() __attribute__((always_inline)) {
      values[v] = finish_value<kResidual>(Lanes::load(tile + r * kTileColumns + v * Lanes::kWidth), scale[v], bias[v],
                                          out.affine, out.residual, at + v * Lanes::kWidth, Lanes::kWidth);
    });
    if constexpr (kOut == Element::u8 || kOut == Element::i8)
      Lanes::store_bytes<kOut == Element::i8>(static_cast<char*>(out.y) + at, values);
    else
      repeat<Lanes::kVectors>([&]<int v>() __attribute__((always_inline)) {
        store_elements<kOut>(out.y, at + v * Lanes::kWidth, values[v], Lanes::kWidth);
      });
  }
}

template <Element kResidual, Element kOut>
void finish_tile(const Destination& out, const float* tile, long row, int rows, int column, int columns) {
  if (columns == kTileColumns) return finish_full_tile<kResidual, kOut>(out, tile, row, rows, column);
  for (int r = 0; r < rows; ++r) {
    const long at = (row + r) * out.channels + column;
    for (int c = 0; c < columns; c += Lanes::kWidth) {
      const int n = columns - c < Lanes::kWidth ? columns - c : Lanes::kWidth;
      finish_vector<kResidual, kOut>(Lanes::load(tile + r * kTileColumns + c), out.affine, column + c, out.residual,
                                     out.y, at + c, n);
    }
  }
}

using FinishTile = void (*)(const Destination&, const float*, long, int, int, int);

inline FinishTile choose_finish(const Destination& out) {
  FinishTile finish = nullptr;
  with_types(out.residual_type, out.y_type,
             [&]<Element kResidual, Element kOut>() { finish = finish_tile<kResidual, kOut>; });
  return finish;
}

}  // namespace
}  // namespace halftone::cpu
