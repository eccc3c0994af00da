#pragma once
#include <immintrin.h>

#include <cstdint>
#include <cstring>

// Eight floats (or 32-bit sums). Included by *_avx2.cpp files only; see lanes_avx512.h.
namespace halftone::cpu {
namespace {

struct Lanes {
  static constexpr int kWidth = 8;
  static constexpr int kRows = 6;
  static constexpr int kVectors = 2;
  static constexpr int kDot = 2;  // products of 16-bit numbers: those of bytes would saturate
  using F = __m256;
  using I = __m256i;

  static F zero() { return _mm256_setzero_ps(); }
  static I zero_sums() { return _mm256_setzero_si256(); }
  static F set(float x) { return _mm256_set1_ps(x); }
  static I set(std::int32_t x) { return _mm256_set1_epi32(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static I load_sums(const void* p) { return _mm256_loadu_si256(static_cast<const I*>(p)); }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F floats(I x) { return _mm256_cvtepi32_ps(x); }
  static void dot(I& sums, I x, I w) { sums = _mm256_add_epi32(sums, _mm256_madd_epi16(x, w)); }

  template <int kBytes>
  static __m128i small(const void* p, int n) {
    __m128i x = _mm_setzero_si128();
    if (n == kWidth) {
      if constexpr (kBytes == 8) return _mm_loadl_epi64(static_cast<const __m128i*>(p));
      else return _mm_loadu_si128(static_cast<const __m128i*>(p));
    }
    std::memcpy(&x, p, static_cast<std::size_t>(n) * (kBytes / 8));
    return x;
  }
  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static F load(const float* p, int n) { return n == kWidth ? load(p) : _mm256_maskload_ps(p, first(n)); }
  static F load_u8(const void* p, int n) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(small<8>(p, n))); }
  static F load_i8(const void* p, int n) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(small<8>(p, n))); }
  static F load_bf16(const void* p, int n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(small<16>(p, n)), 16));
  }
  static void store(float* p, F x, int n) {
    if (n == kWidth) store(p, x);
    else _mm256_maskstore_ps(p, first(n), x);
  }
  static __m128i words(I x) { return _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)); }
  static void store_u8(void* p, F x, int n) {
    const __m128i w = words(_mm256_cvtps_epi32(x));
    const __m128i bytes = _mm_packus_epi16(w, w);
    std::memcpy(p, &bytes, static_cast<std::size_t>(n));
  }
  static void store_i8(void* p, F x, int n) {
    const I sums = _mm256_cvtps_epi32(x);
    const __m128i w = _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i bytes = _mm_packs_epi16(w, w);
    std::memcpy(p, &bytes, static_cast<std::size_t>(n));
  }
  static void store_bf16(void* p, F x, int n) {
    const I bits = _mm256_castps_si256(x);
    const I odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const I rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    const F nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    const __m128i w = words(_mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc0), _mm256_castps_si256(nan)));
    std::memcpy(p, &w, static_cast<std::size_t>(n) * 2);
  }

  /// A tile's row of bytes; see lanes_avx512.h.
  template <bool kSigned>
  static void store_bytes(void* p, const F (&x)[kVectors]) {
    const I ab = _mm256_packs_epi32(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]));
    const I packed = kSigned ? _mm256_packs_epi16(ab, ab) : _mm256_packus_epi16(ab, ab);
    const I sorted = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 3, 6, 7));
    _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(sorted));
  }

  /// Bytes widened to the 16-bit numbers dot() multiplies; `sign_flip` 0x80 marks signed bytes, which stay signed.
  static void prepare(const std::uint8_t* x, std::uint8_t* to, int count, std::uint8_t sign_flip) {
    auto* words = reinterpret_cast<std::int16_t*>(to);
    if (sign_flip) {
      for (int i = 0; i < count; ++i) words[i] = static_cast<std::int8_t>(x[i]);
    } else {
      for (int i = 0; i < count; ++i) words[i] = x[i];
    }
  }
  static constexpr int kPreparedBytes = 2;
};

}  // namespace
}  // namespace halftone::cpu
