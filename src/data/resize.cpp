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

std::uint8_t round_pixel(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kFraction, 0, 255)); }

/// One row across, `Taps` taps (0: as many as the axis says). Four bytes are loaded for a pixel's three, so the last
/// row of a picture must not be `safe`.
template <int Taps>
void row_across(const std::uint8_t* source, const ResizeAxis& axis, std::uint8_t* target, bool safe) {
  const std::size_t width = axis.first.size();
  const int taps = Taps == 0 ? axis.taps : Taps;
  const std::int32_t* weight = axis.weight.data();
  for (std::size_t x = 0; x < width; ++x, weight += taps) {
    const std::uint8_t* pixel = source + (axis.first[x] - axis.source_begin) * 3;
    if (safe) {
      __m128i sum = _mm_set1_epi32(kHalf);
      for (int t = 0; t < taps; ++t, pixel += 3) {
        std::int32_t four;
        std::memcpy(&four, pixel, 4);
        const __m128i values = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(four));
        sum = _mm_add_epi32(sum, _mm_mullo_epi32(values, _mm_set1_epi32(weight[t])));
      }
      sum = _mm_srai_epi32(sum, kFraction);
      sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
      const std::int32_t four = _mm_cvtsi128_si32(sum);
      std::memcpy(target + x * 3, &four, 3);
    } else {
      for (int c = 0; c < 3; ++c) {
        std::int32_t sum = kHalf;
        for (int t = 0; t < taps; ++t) sum += pixel[t * 3 + c] * weight[t];
        target[x * 3 + static_cast<std::size_t>(c)] = round_pixel(sum);
      }
    }
  }
}

/// One row of the result from `Taps` rows, `width` bytes apart (0: from `taps` rows).
template <int Taps>
void row_down(const std::uint8_t* source, std::ptrdiff_t width, int taps, const std::int32_t* weight,
              std::uint8_t* target) {
  if (Taps != 0) taps = Taps;
  for (std::ptrdiff_t i = 0; i < width; ++i) {
    std::int32_t sum = kHalf;
    for (int t = 0; t < taps; ++t) sum += source[t * width + i] * weight[t];
    target[i] = round_pixel(sum);
  }
}

using RowAcross = decltype(&row_across<0>);
using RowDown = decltype(&row_down<0>);
constexpr RowAcross kAcross[] = {row_across<0>, row_across<1>, row_across<2>, row_across<3>,
                                 row_across<4>, row_across<5>, row_across<6>, row_across<7>};
constexpr RowDown kDown[] = {row_down<0>, row_down<1>, row_down<2>, row_down<3>,
                             row_down<4>, row_down<5>, row_down<6>, row_down<7>};

template <std::size_t N>
std::size_t variant(int taps) {
  return static_cast<std::size_t>(taps) < N ? static_cast<std::size_t>(taps) : 0;
}

}  // namespace

ResizeAxis make_axis(int in, int out, int begin, int size, Resample resample) {
  ASSERT(in > 0 && out > 0 && begin >= 0 && size > 0 && begin + size <= out);
  const double ratio = static_cast<double>(in) / out;
  const double reach = resample == Resample::antialias ? std::max(ratio, 1.0) : 1.0;
  const auto first_of = [&](int i) {
    return std::max(0, static_cast<int>(std::trunc((begin + i + 0.5) * ratio - reach + 0.5)));
  };
  const auto end_of = [&](int i) {
    return std::min(in, static_cast<int>(std::trunc((begin + i + 0.5) * ratio + reach + 0.5)));
  };
  ResizeAxis axis;
  for (int i = 0; i < size; ++i) axis.taps = std::max(axis.taps, end_of(i) - first_of(i));
  axis.first.resize(static_cast<std::size_t>(size));
  axis.weight.assign(static_cast<std::size_t>(size) * axis.taps, 0);
  axis.source_begin = in;
  std::vector<double> weights(static_cast<std::size_t>(axis.taps));
  for (int i = 0; i < size; ++i) {
    const double center = (begin + i + 0.5) * ratio;
    const int first = first_of(i), count = end_of(i) - first;
    double total = 0;
    for (int t = 0; t < count; ++t) {
      weights[t] = std::max(0.0, 1.0 - std::abs((first + t - center + 0.5) / reach));
      total += weights[t];
    }
    // Every output gets the same number of taps, so near the end they begin earlier, with weights of 0.
    axis.first[i] = std::min(first, in - axis.taps);
    const std::size_t shift = static_cast<std::size_t>(i) * axis.taps + first - axis.first[i];
    for (int t = 0; t < count; ++t)
      axis.weight[shift + t] = static_cast<std::int32_t>(std::floor(weights[t] / total * (1 << kFraction) + 0.5));
    axis.source_begin = std::min(axis.source_begin, axis.first[i]);
    axis.source_end = std::max(axis.source_end, axis.first[i] + axis.taps);
  }
  return axis;
}

void resize(const Image& source, const ResizeAxis& across, const ResizeAxis& down, Image& scratch, Image& result) {
  ASSERT(source.width == across.source_end - across.source_begin);
  ASSERT(source.height == down.source_end - down.source_begin);
  const auto width = static_cast<int>(across.first.size()), height = static_cast<int>(down.first.size());
  const RowAcross go_across = kAcross[variant<std::size(kAcross)>(across.taps)];
  const RowDown go_down = kDown[variant<std::size(kDown)>(down.taps)];
  scratch.reset(width, source.height);
  for (int y = 0; y < source.height; ++y) go_across(source.row(y), across, scratch.row(y), y + 1 < source.height);
  result.reset(width, height);
  for (int y = 0; y < height; ++y)
    go_down(scratch.row(down.first[y] - down.source_begin), std::ptrdiff_t{width} * Image::kChannels, down.taps,
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
