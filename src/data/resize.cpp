#include "data/resize.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace halftone {
namespace {

constexpr int kFraction = 22;  // 8 bits of pixel, 22 of weight and a sign fit 32; Pillow's precision
constexpr std::int32_t kHalf = 1 << (kFraction - 1);

std::uint8_t round_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFraction, 0, 255));
}

/// One row across. All four bytes from a pixel on are loaded at once, so the last pixel of the picture needs `safe`.
void row_across(const std::uint8_t* source, const ResizeAxis& axis, std::uint8_t* target, bool safe) {
  const std::size_t width = axis.first.size();
  for (std::size_t x = 0; x < width; ++x) {
    const std::uint8_t* pixel = source + (axis.first[x] - axis.source_begin) * 3;
    const std::int32_t* weight = axis.weight.data() + x * static_cast<std::size_t>(axis.taps);
    const int count = axis.count[x];
    if (safe) {
      __m128i sum = _mm_set1_epi32(kHalf);
      for (int t = 0; t < count; ++t, pixel += 3) {
        std::int32_t four;
        std::memcpy(&four, pixel, 4);
        sum =
            _mm_add_epi32(sum, _mm_mullo_epi32(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)), _mm_set1_epi32(weight[t])));
      }
      sum = _mm_srai_epi32(sum, kFraction);
      sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
      const std::int32_t four = _mm_cvtsi128_si32(sum);
      std::memcpy(target + x * 3, &four, 3);
    } else {
      for (int c = 0; c < 3; ++c) {
        std::int32_t sum = kHalf;
        for (int t = 0; t < count; ++t) sum += pixel[t * 3 + c] * weight[t];
        target[x * 3 + static_cast<std::size_t>(c)] = round_pixel(sum);
      }
    }
  }
}

void row_down(const Image& source, int first, int count, const std::int32_t* weight, std::uint8_t* target) {
  constexpr int kBlock = 64;
  const int width = source.width * Image::kChannels;
  for (int begin = 0; begin < width; begin += kBlock) {
    const int size = std::min(kBlock, width - begin);
    std::int32_t sum[kBlock];
    std::fill_n(sum, kBlock, kHalf);
    for (int t = 0; t < count; ++t) {
      const std::uint8_t* row = source.row(first + t) + begin;
      const std::int32_t w = weight[t];
      if (size == kBlock) {
        for (int i = 0; i < kBlock; ++i) sum[i] += row[i] * w;
      } else {
        for (int i = 0; i < size; ++i) sum[i] += row[i] * w;
      }
    }
    for (int i = 0; i < size; ++i) target[begin + i] = round_pixel(sum[i]);
  }
}

}  // namespace

ResizeAxis make_axis(int in, int out, int begin, int size, Resample resample) {
  ASSERT(in > 0 && out > 0 && begin >= 0 && size > 0 && begin + size <= out);
  const double ratio = static_cast<double>(in) / out;
  const double reach = resample == Resample::antialias ? std::max(ratio, 1.0) : 1.0;
  ResizeAxis axis;
  axis.taps = static_cast<int>(std::ceil(reach)) * 2 + 1;
  axis.first.resize(static_cast<std::size_t>(size));
  axis.count.resize(static_cast<std::size_t>(size));
  axis.weight.assign(static_cast<std::size_t>(size) * axis.taps, 0);
  axis.source_begin = in;
  std::vector<double> weights(static_cast<std::size_t>(axis.taps));
  for (int i = 0; i < size; ++i) {
    const double center = (begin + i + 0.5) * ratio;
    const int first = std::max(0, static_cast<int>(center - reach + 0.5));
    const int end = std::min(in, static_cast<int>(center + reach + 0.5));
    const int count = std::min(end - first, axis.taps);
    double total = 0;
    for (int t = 0; t < count; ++t) {
      weights[t] = std::max(0.0, 1.0 - std::abs((first + t - center + 0.5) / reach));
      total += weights[t];
    }
    for (int t = 0; t < count; ++t)
      axis.weight[static_cast<std::size_t>(i) * axis.taps + t] =
          static_cast<std::int32_t>(std::floor(weights[t] / total * (1 << kFraction) + 0.5));
    axis.first[i] = first;
    axis.count[i] = count;
    axis.source_begin = std::min(axis.source_begin, first);
    axis.source_end = std::max(axis.source_end, first + count);
  }
  return axis;
}

void resize(const Image& source, const ResizeAxis& across, const ResizeAxis& down, Image& scratch, Image& result) {
  ASSERT(source.width == across.source_end - across.source_begin);
  ASSERT(source.height == down.source_end - down.source_begin);
  const auto width = static_cast<int>(across.first.size()), height = static_cast<int>(down.first.size());
  scratch.reset(width, source.height);
  for (int y = 0; y < source.height; ++y) row_across(source.row(y), across, scratch.row(y), y + 1 < source.height);
  result.reset(width, height);
  for (int y = 0; y < height; ++y)
    row_down(scratch, down.first[y] - down.source_begin, down.count[y],
             down.weight.data() + static_cast<std::size_t>(y) * down.taps, result.row(y));
}

Image resize(const Image& source, int width, int height, Resample resample) {
  const ResizeAxis across = make_axis(source.width, width, 0, width, resample);
  const ResizeAxis down = make_axis(source.height, height, 0, height, resample);
  // An axis may leave out the outermost pixels when it shrinks without antialiasing.
  Image inner, scratch, result;
  inner.reset(across.source_end - across.source_begin, down.source_end - down.source_begin);
  for (int y = 0; y < inner.height; ++y)
    std::copy_n(source.row(down.source_begin + y) + across.source_begin * 3, inner.width * 3, inner.row(y));
  resize(inner, across, down, scratch, result);
  return result;
}

}  // namespace halftone
