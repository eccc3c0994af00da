#include <immintrin.h>

#include "cpu/peak_loops.h"

// Inline assembly keeps the compiler from folding or reordering the chains: 12 of them hide 4 to 6 cycles of latency at
// two instructions a cycle.
#define HALFTONE_CHAINS(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11)

namespace halftone::cpu {
namespace {

void f32(long iterations) {
  __m256 c[12];
  for (auto& v : c) v = _mm256_setzero_ps();
  const __m256 a = _mm256_setzero_ps();
  for (long i = 0; i < iterations; ++i) {
#define HALFTONE_STEP(k) asm volatile("vfmadd231ps %1, %1, %0" : "+x"(c[k]) : "x"(a));
    HALFTONE_CHAINS(HALFTONE_STEP)
#undef HALFTONE_STEP
  }
}

void int8(long iterations) {
  __m256i c[12];
  for (auto& v : c) v = _mm256_setzero_si256();
  const __m256i a = _mm256_setzero_si256();
  for (long i = 0; i < iterations; ++i) {
#define HALFTONE_STEP(k)                                           \
  {                                                                \
    __m256i product;                                               \
    asm volatile("vpmaddwd %1, %1, %0" : "=x"(product) : "x"(a));  \
    asm volatile("vpaddd %1, %0, %0" : "+x"(c[k]) : "x"(product)); \
  }
    HALFTONE_CHAINS(HALFTONE_STEP)
#undef HALFTONE_STEP
  }
}

void read(const char* data, long bytes, long repeats) {
  for (long r = 0; r < repeats; ++r)
    for (long i = 0; i < bytes; i += 256) {
      __m256 v;
#define HALFTONE_STEP(k) \
  asm volatile("vmovaps %1, %0" : "=x"(v) : "m"(*reinterpret_cast<const __m256*>(data + i + 32 * (k))));
      HALFTONE_STEP(0)
      HALFTONE_STEP(1)
      HALFTONE_STEP(2) HALFTONE_STEP(3) HALFTONE_STEP(4) HALFTONE_STEP(5) HALFTONE_STEP(6) HALFTONE_STEP(7)
#undef HALFTONE_STEP
    }
}

void write(char* data, long bytes, long repeats) {
  const __m256 v = _mm256_setzero_ps();
  for (long r = 0; r < repeats; ++r)
    for (long i = 0; i < bytes; i += 32)
      asm volatile("vmovaps %1, %0" : "=m"(*reinterpret_cast<__m256*>(data + i)) : "x"(v));
}

void write_past_caches(char* data, long bytes, long repeats) {
  const __m256i v = _mm256_setzero_si256();
  for (long r = 0; r < repeats; ++r)
    for (long i = 0; i < bytes; i += 32) _mm256_stream_si256(reinterpret_cast<__m256i*>(data + i), v);
  _mm_sfence();
}

}  // namespace

const PeakLoop peak_f32_avx2{f32, 12 * 8 * 2};
const PeakLoop peak_int8_avx2{int8, 12 * 16 * 2};
const Streams streams_avx2{read, write, write_past_caches};

}  // namespace halftone::cpu
