#include <immintrin.h>

#include "cpu/peak_loops.h"

#define HALFTONE_CHAINS(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11)
#define HALFTONE_LOOP(NAME, INSTRUCTION)       \
  void NAME(long iterations) {                 \
    __m512 c[12];                              \
    for (auto& v : c) v = _mm512_setzero_ps(); \
    const __m512 a = _mm512_setzero_ps();      \
    for (long i = 0; i < iterations; ++i) {    \
      HALFTONE_CHAINS(INSTRUCTION)             \
    }                                          \
  }

namespace halftone::cpu {
namespace {

#define HALFTONE_FMA(k) asm volatile("vfmadd231ps %1, %1, %0" : "+v"(c[k]) : "v"(a));
#define HALFTONE_BF16(k) asm volatile("vdpbf16ps %1, %1, %0" : "+v"(c[k]) : "v"(a));
#define HALFTONE_VNNI(k) asm volatile("vpdpbusd %1, %1, %0" : "+v"(c[k]) : "v"(a));
HALFTONE_LOOP(f32, HALFTONE_FMA)
HALFTONE_LOOP(bf16, HALFTONE_BF16)
HALFTONE_LOOP(int8, HALFTONE_VNNI)

void read(const char* data, long bytes, long repeats) {
  for (long r = 0; r < repeats; ++r)
    for (long i = 0; i < bytes; i += 512) {
      __m512 v;
#define HALFTONE_STEP(k) \
  asm volatile("vmovaps %1, %0" : "=v"(v) : "m"(*reinterpret_cast<const __m512*>(data + i + 64 * (k))));
      HALFTONE_STEP(0)
      HALFTONE_STEP(1)
      HALFTONE_STEP(2) HALFTONE_STEP(3) HALFTONE_STEP(4) HALFTONE_STEP(5) HALFTONE_STEP(6) HALFTONE_STEP(7)
#undef HALFTONE_STEP
    }
}

void write(char* data, long bytes, long repeats) {
  const __m512 v = _mm512_setzero_ps();
  for (long r = 0; r < repeats; ++r)
    for (long i = 0; i < bytes; i += 64)
      asm volatile("vmovaps %1, %0" : "=m"(*reinterpret_cast<__m512*>(data + i)) : "v"(v));
}

void write_past_caches(char* data, long bytes, long repeats) {
  const __m512i v = _mm512_setzero_si512();
  for (long r = 0; r < repeats; ++r)
    for (long i = 0; i < bytes; i += 64) _mm512_stream_si512(reinterpret_cast<__m512i*>(data + i), v);
  _mm_sfence();
}

}  // namespace

const PeakLoop peak_f32_avx512{f32, 12 * 16 * 2};
const PeakLoop peak_bf16_avx512{bf16, 12 * 32 * 2};
const PeakLoop peak_int8_avx512{int8, 12 * 64 * 2};
const Streams streams_avx512{read, write, write_past_caches};

}  // namespace halftone::cpu
