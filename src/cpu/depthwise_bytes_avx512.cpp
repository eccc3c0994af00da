#include "cpu/depthwise_bytes.h"
#include "cpu/lanes_avx512.h"
#include "cpu/repeat.h"

// Lines may be cut into two or four segments side by side in a vector, so that few channels fill it too.
// Three input rows wait in a ring, each interleaved once: dword c of position p holds channel c of pixels p … p + 3, so
// that one dot product takes a row's three taps, of output p or, with the taps shifted by one, of output p + 1.
namespace halftone::cpu {
namespace {

constexpr int kPosition = 256;  // bytes of a position: 64 channels x 4 pixels

using Bytes = __m512i;

__mmask64 first_bytes(int n) { return n == 64 ? ~0ull : (1ull << n) - 1; }

/// A pixel of each segment, side by side; `apart` columns lie between them.
template <int kSegments>
[[gnu::always_inline]] inline Bytes pixels(const DepthwiseBytesTask& task, const std::uint8_t* row, long column,
                                           long apart, Bytes padding) {
  const auto inside = [&](long at) { return static_cast<unsigned long>(at) < static_cast<unsigned long>(task.w); };
  const __mmask64 mask = first_bytes(task.channel_end);
  if constexpr (kSegments == 1) {
    return inside(column) ? _mm512_maskz_loadu_epi8(mask, row + column * task.channels) : padding;
  } else if constexpr (kSegments == 2) {
    const auto half = [&](long at) __attribute__((always_inline)) {
      return inside(at) ? _mm256_maskz_loadu_epi8(static_cast<__mmask32>(mask), row + at * task.channels)
                        : _mm512_castsi512_si256(padding);
    };
    return _mm512_inserti64x4(_mm512_castsi256_si512(half(column)), half(column + apart), 1);
  } else {
    const auto quarter = [&](long at) __attribute__((always_inline)) {
      return inside(at) ? _mm_maskz_loadu_epi8(static_cast<__mmask16>(mask), row + at * task.channels)
                        : _mm512_castsi512_si128(padding);
    };
    const __m256i low = _mm256_inserti32x4(_mm256_castsi128_si256(quarter(column)), quarter(column + apart), 1);
    const __m256i high =
        _mm256_inserti32x4(_mm256_castsi128_si256(quarter(column + 2 * apart)), quarter(column + 3 * apart), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
}

/// Stores output `ow` of each segment where the segment reaches so far.
template <int kSegments>
[[gnu::always_inline]] inline void store(const DepthwiseBytesTask& task, std::uint8_t* y, long ow, long segment,
                                         Bytes bytes) {
  const __mmask64 mask = first_bytes(task.channel_end) & ~((1ull << task.channel_begin) - 1);
  const auto reaches = [&](long s) { return ow < segment && ow + s * segment < task.ow; };
  const auto at = [&](long s) { return y + (ow + s * segment) * task.channels; };
  if constexpr (kSegments == 1) {
    if (reaches(0)) _mm512_mask_storeu_epi8(at(0), mask, bytes);
  } else if constexpr (kSegments == 2) {
    const auto mask32 = static_cast<__mmask32>(mask);
    if (reaches(0)) _mm256_mask_storeu_epi8(at(0), mask32, _mm512_castsi512_si256(bytes));
    if (reaches(1)) _mm256_mask_storeu_epi8(at(1), mask32, _mm512_extracti64x4_epi64(bytes, 1));
  } else {
    const auto mask16 = static_cast<__mmask16>(mask);
    if (reaches(0)) _mm_mask_storeu_epi8(at(0), mask16, _mm512_castsi512_si128(bytes));
    if (reaches(1)) _mm_mask_storeu_epi8(at(1), mask16, _mm512_extracti32x4_epi32(bytes, 1));
    if (reaches(2)) _mm_mask_storeu_epi8(at(2), mask16, _mm512_extracti32x4_epi32(bytes, 2));
    if (reaches(3)) _mm_mask_storeu_epi8(at(3), mask16, _mm512_extracti32x4_epi32(bytes, 3));
  }
}

/// Interleaves row `ih` of the block into `positions` positions, two pixels apart.
template <int kSegments>
void interleave(const DepthwiseBytesTask& task, long ih, long apart, long positions, std::uint8_t* to) {
  const Bytes padding = _mm512_set1_epi8(static_cast<char>(task.padding));
  if (ih < 0 || ih >= task.h) {
    for (long i = 0; i < positions * kPosition; i += 64) _mm512_store_si512(to + i, padding);
    return;
  }
  const std::uint8_t* row = task.x + ih * task.w * task.channels + task.channel;
  const Bytes flip = _mm512_set1_epi8(static_cast<char>(task.flip));
  // Padding is flipped already: a second flip undoes the one below.
  const Bytes around = _mm512_xor_si512(padding, flip);
  const auto pixel = [&](long column) __attribute__((always_inline)) {
    return _mm512_xor_si512(pixels<kSegments>(task, row, column, apart, around), flip);
  };
  const long left = -static_cast<long>(task.pad_left);
  Bytes first = pixel(left), second = pixel(left + 1);
  Bytes low = _mm512_unpacklo_epi8(first, second), high = _mm512_unpackhi_epi8(first, second);
  for (long p = 0; p < positions; ++p) {
    first = pixel(left + 2 * p + 2), second = pixel(left + 2 * p + 3);
    const Bytes next_low = _mm512_unpacklo_epi8(first, second), next_high = _mm512_unpackhi_epi8(first, second);
    _mm512_store_si512(to, _mm512_unpacklo_epi16(low, next_low));
    _mm512_store_si512(to + 64, _mm512_unpackhi_epi16(low, next_low));
    _mm512_store_si512(to + 128, _mm512_unpacklo_epi16(high, next_high));
    _mm512_store_si512(to + 192, _mm512_unpackhi_epi16(high, next_high));
    low = next_low, high = next_high;
    to += kPosition;
  }
}

template <bool kSigned>
Bytes finish(const DepthwiseBytesTask& task, const __m512i* sums, Bytes least, Bytes most) {
  __m512i rounded[4];
  repeat<4>([&]<int v>() __attribute__((always_inline)) {
    rounded[v] = _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[v]), _mm512_loadu_ps(task.scale + 16 * v),
                                                    _mm512_loadu_ps(task.bias + 16 * v)));
  });
  // In-lane packing puts vector v's four channels of lane l at 16 l + 4 v: back in order.
  const Bytes ab = _mm512_packs_epi32(rounded[0], rounded[1]), cd = _mm512_packs_epi32(rounded[2], rounded[3]);
  if constexpr (kSigned) return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(ab, cd), least), most);
  else return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(ab, cd), least), most);
}

/// Positions a row of `ow` outputs needs; outputs come in fours.
long positions_of(long ow, int stride_w) { return (ow + 3) / 4 * (stride_w == 1 ? 2 : 4); }

template <int kSegments, int kStride, bool kSigned>
void block(const DepthwiseBytesTask& task) {
  constexpr int kStep = kStride == 1 ? 2 : 4;                  // positions of four outputs
  const long segment = (task.ow + kSegments - 1) / kSegments;  // outputs of a line each segment makes
  const long positions = positions_of(segment, kStride);
  const Bytes least = _mm512_set1_epi8(static_cast<char>(task.low));
  const Bytes most = _mm512_set1_epi8(static_cast<char>(task.high));
  const auto slot = [&](long ih) { return task.ring + (ih % 3 + 3) % 3 * positions * kPosition; };
  long next = task.line_begin * task.stride_h - task.pad_top;  // the first row the ring lacks
  for (long oh = task.line_begin; oh < task.line_end; ++oh) {
    const long top = oh * task.stride_h - task.pad_top;
    for (next = next < top ? top : next; next < top + 3; ++next)
      interleave<kSegments>(task, next, segment * kStride, positions, slot(next));
    const std::uint8_t* rows[3] = {slot(top), slot(top + 1), slot(top + 2)};
    std::uint8_t* y = task.y + oh * task.ow * task.channels + task.channel;
    for (long ow = 0; ow < segment; ow += 4) {
      __m512i sums[4][4];
      repeat<4>([&]<int o>() __attribute__((always_inline)) {
        repeat<4>([&]<int v>() __attribute__((always_inline)) { sums[o][v] = _mm512_setzero_si512(); });
      });
      repeat<3>([&]<int r>() __attribute__((always_inline)) {
        const std::uint8_t* x = rows[r] + ow / 4 * kStep * kPosition;
        repeat<4>([&]<int v>() __attribute__((always_inline)) {
          const __m512i taps = _mm512_loadu_si512(task.weights + (r * 8 + v) * 64);
          if constexpr (kStride == 1) {
            const __m512i shifted = _mm512_loadu_si512(task.weights + (r * 8 + 4 + v) * 64);
            const __m512i a = _mm512_load_si512(x + v * 64), b = _mm512_load_si512(x + kPosition + v * 64);
            Lanes::dot(sums[0][v], a, taps);
            Lanes::dot(sums[1][v], a, shifted);
            Lanes::dot(sums[2][v], b, taps);
            Lanes::dot(sums[3][v], b, shifted);
          } else {
            repeat<4>([&]<int o>() __attribute__((always_inline)) {
              Lanes::dot(sums[o][v], _mm512_load_si512(x + o * kPosition + v * 64), taps);
            });
          }
        });
      });
      repeat<4>([&]<int o>() __attribute__((always_inline)) {
        store<kSegments>(task, y, ow + o, segment, finish<kSigned>(task, sums[o], least, most));
      });
    }
  }
}

template <int kSegments>
void choose(const DepthwiseBytesTask& task) {
  if (task.stride_w == 1) (task.signed_y ? block<kSegments, 1, true> : block<kSegments, 1, false>)(task);
  else (task.signed_y ? block<kSegments, 2, true> : block<kSegments, 2, false>)(task);
}

void depthwise_bytes(const DepthwiseBytesTask& task) {
  (task.segments == 1 ? choose<1> : task.segments == 2 ? choose<2> : choose<4>)(task);
}

}  // namespace

const DepthwiseBytes depthwise_bytes_avx512 = depthwise_bytes;

}  // namespace halftone::cpu
