#pragma once
#include "cpu/affine_lanes.h"
#include "cpu/depthwise.h"
#include "cpu/repeat.h"

// Depthwise convolution by Lanes (include lanes_*.h before); internal linkage. 8-bit products are summed in float,
// which is exact for the up to 2^24 / (255 * 128) taps a kernel may have here.
namespace halftone::cpu {
namespace {

template <Element kX>
Lanes::F load_x(const DepthwiseTask& task, const void* x, long at, int n) {
  const Lanes::F value = load_elements<kX>(x, at, n);
  if constexpr (kX == Element::u8 || kX == Element::i8) return Lanes::sub(value, Lanes::set(task.x_zero));
  else return value;
}

/// What one output line needs: the image, and the kernel rows that lie inside it.
struct Line {
  long image;  ///< element offset of the image
  long row;    ///< input row of kernel row 0 (may be outside)
  int first, last;
  long out;  ///< element offset of the output line
};

/// One output of one vector of channels, kernel columns [k_first, k_last) inside the image.
template <Element kX, Element kResidual, Element kOut>
void single(const DepthwiseTask& task, const Line& line, long ow, long c, int n) {
  const long column = ow * task.stride_w - task.pad_left;
  Lanes::F sum = Lanes::zero();
  for (int i = line.first; i < line.last; ++i) {
    const long row = line.image + (line.row + static_cast<long>(i) * task.dilation_h) * task.w * task.channels;
    for (int j = 0; j < task.kw; ++j) {
      const long at = column + static_cast<long>(j) * task.dilation_w;
      if (at < 0 || at >= task.w) continue;
      sum = Lanes::fma(load_x<kX>(task, task.x, row + at * task.channels + c, n),
                       Lanes::load(task.weights + (i * task.kw + j) * task.weight_stride + c), sum);
    }
  }
  finish_vector<kResidual, kOut>(sum, task.affine, static_cast<int>(c), task.residual, task.y,
                                 line.out + ow * task.channels + c, n);
}

/// Four neighbouring outputs whose windows lie inside the image; the pixels they share are loaded once.
template <int kWidth, int kStride, Element kX, Element kResidual, Element kOut>
void four(const DepthwiseTask& task, const Line& line, long ow, long c, int n) {
  constexpr int kPixels = 3 * kStride + kWidth;
  const long column = ow * kStride - task.pad_left;
  Lanes::F sums[4] = {Lanes::zero(), Lanes::zero(), Lanes::zero(), Lanes::zero()};
  for (int i = line.first; i < line.last; ++i) {
    const long at =
        line.image + ((line.row + static_cast<long>(i) * task.dilation_h) * task.w + column) * task.channels + c;
    Lanes::F pixels[kPixels];
    repeat<kPixels>([&]<int p>() __attribute__((always_inline)) {
      pixels[p] = load_x<kX>(task, task.x, at + p * task.channels, n);
    });
    repeat<kWidth>([&]<int j>() __attribute__((always_inline)) {
      const Lanes::F w = Lanes::load(task.weights + (i * kWidth + j) * task.weight_stride + c);
      repeat<4>([&]<int o>()
                    __attribute__((always_inline)) { sums[o] = Lanes::fma(pixels[o * kStride + j], w, sums[o]); });
    });
  }
  repeat<4>([&]<int o>() __attribute__((always_inline)) {
    finish_vector<kResidual, kOut>(sums[o], task.affine, static_cast<int>(c), task.residual, task.y,
                                   line.out + (ow + o) * task.channels + c, n);
  });
}

using Step = void (*)(const DepthwiseTask&, const Line&, long, long, int);

template <Element kX, Element kResidual, Element kOut>
Step choose_four(const DepthwiseTask& task) {
  if (task.dilation_w != 1) return nullptr;
  if (task.kw == 3 && task.stride_w == 1) return four<3, 1, kX, kResidual, kOut>;
  if (task.kw == 3 && task.stride_w == 2) return four<3, 2, kX, kResidual, kOut>;
  if (task.kw == 5 && task.stride_w == 1) return four<5, 1, kX, kResidual, kOut>;
  if (task.kw == 5 && task.stride_w == 2) return four<5, 2, kX, kResidual, kOut>;
  return nullptr;
}

template <Element kX>
void choose_steps(const DepthwiseTask& task, Step& one, Step& many) {
  with_types(task.residual_type, task.y_type, [&]<Element kResidual, Element kOut>() {
    one = single<kX, kResidual, kOut>;
    many = choose_four<kX, kResidual, kOut>(task);
  });
}

void depthwise(const DepthwiseTask& task) {
  Step one = nullptr, many = nullptr;
  if (task.x_type == Element::f32) choose_steps<Element::f32>(task, one, many);
  else if (task.x_type == Element::bf16) choose_steps<Element::bf16>(task, one, many);
  else if (task.x_type == Element::u8) choose_steps<Element::u8>(task, one, many);
  else choose_steps<Element::i8>(task, one, many);
  // Outputs [inner_begin, inner_end) have all kernel columns inside the image.
  const long reach = static_cast<long>(task.kw - 1) * task.dilation_w;
  long inner_begin = (task.pad_left + task.stride_w - 1) / task.stride_w;
  if (inner_begin > task.ow) inner_begin = task.ow;
  const long room = task.w - 1 - reach + task.pad_left;
  long inner_end = room < 0 ? 0 : room / task.stride_w + 1;
  if (inner_end > task.ow) inner_end = task.ow;
  if (inner_end < inner_begin) inner_end = inner_begin;
  if (!many) inner_end = inner_begin;
  for (long index = task.line_begin; index < task.line_end; ++index) {
    const long image = index / task.oh, oh = index % task.oh;
    Line line{image * task.h * task.w * task.channels, oh * task.stride_h - task.pad_top, 0, task.kh,
              index * task.ow * task.channels};
    while (line.first < task.kh && line.row + static_cast<long>(line.first) * task.dilation_h < 0) ++line.first;
    while (line.last > line.first && line.row + static_cast<long>(line.last - 1) * task.dilation_h >= task.h)
      --line.last;
    for (long c = 0; c < task.channels; c += Lanes::kWidth) {
      const int n = task.channels - c < Lanes::kWidth ? static_cast<int>(task.channels - c) : Lanes::kWidth;
      long ow = 0;
      for (; ow < inner_begin; ++ow) one(task, line, ow, c, n);
      for (; ow + 4 <= inner_end; ow += 4) many(task, line, ow, c, n);
      for (; ow < task.ow; ++ow) one(task, line, ow, c, n);
    }
  }
}

}  // namespace
}  // namespace halftone::cpu
