#pragma once
// GCC 12 warns of its own header's undefined vectors.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

// Sixteen floats (or 32-bit sums). Included by *_avx512.cpp files only; internal linkage throughout, because the same
// names exist for other instruction sets.
namespace halftone::cpu {
namespace {

struct Lanes {
  static constexpr int kWidth = 16;
  static constexpr int kRows = 6;  // a product tile: rows x kVectors vectors of sums
  static constexpr int kVectors = 4;
  static constexpr int kDot = 4;  // 8-bit products a 32-bit sum takes at once
  using F = __m512;
  using I = __m512i;

  static F zero() { return _mm512_setzero_ps(); }
  static I zero_sums() { return _mm512_setzero_si512(); }
  static F set(float x) { return _mm512_set1_ps(x); }
  static I set(std::int32_t x) { return _mm512_set1_epi32(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static I load_sums(const void* p) { return _mm512_loadu_si512(p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F floats(I x) { return _mm512_cvtepi32_ps(x); }
  /// sums += products of four unsigned bytes with four signed ones. (Through the intrinsic GCC 12 copies each sum.)
  static void dot(I& sums, I x, I w) { asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(x), "v"(w)); }

  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static F load(const float* p, int n) { return n == kWidth ? load(p) : _mm512_maskz_loadu_ps(first(n), p); }
  static __m128i bytes(const void* p, int n) {
    return n == kWidth ? _mm_loadu_si128(static_cast<const __m128i*>(p)) : _mm_maskz_loadu_epi8(first(n), p);
  }
  static F load_u8(const void* p, int n) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes(p, n))); }
  static F load_i8(const void* p, int n) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes(p, n))); }
  static F load_bf16(const void* p, int n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first(n), p)), 16));
  }
  static void store(float* p, F x, int n) {
    if (n == kWidth) store(p, x);
    else _mm512_mask_storeu_ps(p, first(n), x);
  }
  /// Rounded to nearest even; x is within the type's range.
  static void store_u8(void* p, F x, int n) {
    const I sums = _mm512_cvtps_epi32(x);
    if (n == kWidth) _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(sums));
    else _mm512_mask_cvtepi32_storeu_epi8(p, first(n), sums);
  }
  static void store_i8(void* p, F x, int n) { store_u8(p, x, n); }
  static void store_bf16(void* p, F x, int n) {
    const I bits = _mm512_castps_si512(x);
    const I odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const I rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    const I result = _mm512_mask_mov_epi32(rounded, nan, _mm512_set1_epi32(0x7fc0));
    _mm512_mask_cvtepi32_storeu_epi16(p, first(n), result);
  }

  /// A tile's row of bytes. In-lane packing leaves dword 4 * lane + vector; the permutation sorts by vector.
  template <bool kSigned>
  static void store_bytes(void* p, const F (&x)[kVectors]) {
    const I ab = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0]), _mm512_cvtps_epi32(x[1]));
    const I cd = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2]), _mm512_cvtps_epi32(x[3]));
    const I packed = kSigned ? _mm512_packs_epi16(ab, cd) : _mm512_packus_epi16(ab, cd);
    const I order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, packed));
  }

  /// `count` bytes prepared for dot(): `sign_flip` (0x80 or 0) turns signed bytes into unsigned ones, 128 higher; the
  /// rest up to a multiple of kDot is filled with anything.
  static void prepare(const std::uint8_t* x, std::uint8_t* to, int count, std::uint8_t sign_flip) {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(sign_flip));
    for (int i = 0; i < count; i += 64) {
      const int n = count - i < 64 ? count - i : 64;
      const __mmask64 mask = n == 64 ? ~0ull : (1ull << n) - 1;
      _mm512_mask_storeu_epi8(to + i, mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, x + i), flip));
    }
  }
  static constexpr int kPreparedBytes = 1;  // a prepared element
};

}  // namespace
}  // namespace halftone::cpu
