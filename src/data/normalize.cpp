#include "data/normalize.h"

#include <immintrin.h>

#include <cmath>
#include <vector>

namespace halftone {
namespace {

struct Line {
  float slope, offset;
};

/// Byte i of channel c among 16 pixels, from the block `part` of 16 bytes; 0x80 (zero) where it lies in another.
__m128i picker(int c, int part) {
  alignas(16) std::uint8_t index[16];
  for (int i = 0; i < 16; ++i) {
    const int at = i * 3 + c - part * 16;
    index[i] = at >= 0 && at < 16 ? static_cast<std::uint8_t>(at) : 0x80;
  }
  return _mm_load_si128(reinterpret_cast<const __m128i*>(index));
}

void store(__m128i bytes, Line, std::uint8_t* target) { _mm_storeu_si128(reinterpret_cast<__m128i*>(target), bytes); }

void store(__m128i bytes, Line line, float* target) {
  const __m256 slope = _mm256_set1_ps(line.slope), offset = _mm256_set1_ps(line.offset);
  const __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  const __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
  _mm256_storeu_ps(target, _mm256_fmadd_ps(low, slope, offset));
  _mm256_storeu_ps(target + 8, _mm256_fmadd_ps(high, slope, offset));
}

void store_one(std::uint8_t pixel, Line, std::uint8_t& target) { target = pixel; }
void store_one(std::uint8_t pixel, Line line, float& target) { target = std::fma(pixel, line.slope, line.offset); }

template <typename T>
void to_planes(const std::uint8_t* rgb, std::int64_t count, const int order[3], const Line lines[3], T* target) {
  __m128i pick[3][3];
  for (int c = 0; c < 3; ++c)
    for (int part = 0; part < 3; ++part) pick[c][part] = picker(order[c], part);
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const auto* blocks = reinterpret_cast<const __m128i*>(rgb + i * 3);
    const __m128i a = _mm_loadu_si128(blocks), b = _mm_loadu_si128(blocks + 1), c = _mm_loadu_si128(blocks + 2);
    for (int plane = 0; plane < 3; ++plane) {
      const __m128i bytes =
          _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, pick[plane][0]), _mm_shuffle_epi8(b, pick[plane][1])),
                       _mm_shuffle_epi8(c, pick[plane][2]));
      store(bytes, lines[plane], target + plane * count + i);
    }
  }
  for (; i < count; ++i)
    for (int plane = 0; plane < 3; ++plane)
      store_one(rgb[i * 3 + order[plane]], lines[plane], target[plane * count + i]);
}

/// Eight pixels a step: their 24 bytes put in order, then three vectors of values.
void to_pixels(const std::uint8_t* rgb, std::int64_t count, const int order[3], const Line lines[3], float* target) {
  __m256 slope[3], offset[3];
  for (int v = 0; v < 3; ++v) {
    alignas(32) float slopes[8], offsets[8];
    for (int i = 0; i < 8; ++i) slopes[i] = lines[(v * 8 + i) % 3].slope, offsets[i] = lines[(v * 8 + i) % 3].offset;
    slope[v] = _mm256_load_ps(slopes);
    offset[v] = _mm256_load_ps(offsets);
  }
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    alignas(8) std::uint8_t bytes[24];
    for (int p = 0; p < 8; ++p)
      for (int c = 0; c < 3; ++c) bytes[p * 3 + c] = rgb[(i + p) * 3 + order[c]];
    for (int v = 0; v < 3; ++v) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + v * 8));
      const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
      _mm256_storeu_ps(target + i * 3 + v * 8, _mm256_fmadd_ps(values, slope[v], offset[v]));
    }
  }
  for (; i < count; ++i)
    for (int c = 0; c < 3; ++c) store_one(rgb[i * 3 + order[c]], lines[c], target[i * 3 + c]);
}

void to_pixels(const std::uint8_t* rgb, std::int64_t count, const int order[3], const Line[3], std::uint8_t* target) {
  for (std::int64_t i = 0; i < count; ++i)
    for (int c = 0; c < 3; ++c) target[i * 3 + c] = rgb[i * 3 + order[c]];
}

template <typename T>
void to_gray(const std::uint8_t* rgb, std::int64_t count, Line line, T* target) {
  for (std::int64_t i = 0; i < count; ++i, rgb += 3)
    store_one(static_cast<std::uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16), line,
              target[i]);
}

}  // namespace

void normalize(const Image& image, const Preprocess& preprocess, void* target) {
  const std::int64_t count = std::int64_t{image.width} * image.height;
  const bool bgr = preprocess.channels == ChannelOrder::bgr;
  const int order[3] = {bgr ? 2 : 0, 1, bgr ? 0 : 2};
  Line lines[3];
  for (int c = 0; c < 3; ++c)
    lines[c] = {static_cast<float>(double{preprocess.scale} / preprocess.std[c]),
                static_cast<float>(-double{preprocess.mean[c]} / preprocess.std[c])};
  const auto write = [&](auto* typed) {
    const std::uint8_t* rgb = image.pixels.data();
    if (preprocess.channels == ChannelOrder::gray) to_gray(rgb, count, lines[0], typed);
    else if (preprocess.layout == Layout::nchw) to_planes(rgb, count, order, lines, typed);
    else to_pixels(rgb, count, order, lines, typed);
  };
  if (preprocess.dtype == DType::u8) write(static_cast<std::uint8_t*>(target));
  else write(static_cast<float*>(target));
}

}  // namespace halftone
