#include "cpu/amx_tiles.h"
#include "cpu/peak_loops.h"

namespace halftone::cpu {
namespace {

void int8(long iterations) {
  configure_tiles(16);
  for (long i = 0; i < iterations; ++i)
    asm volatile(
        "tdpbusd %tmm6, %tmm4, %tmm0\n\ttdpbusd %tmm7, %tmm4, %tmm1\n\t"
        "tdpbusd %tmm6, %tmm5, %tmm2\n\ttdpbusd %tmm7, %tmm5, %tmm3");
  asm volatile("tilerelease");
}

void bf16(long iterations) {
  configure_tiles(16);
  for (long i = 0; i < iterations; ++i)
    asm volatile(
        "tdpbf16ps %tmm6, %tmm4, %tmm0\n\ttdpbf16ps %tmm7, %tmm4, %tmm1\n\t"
        "tdpbf16ps %tmm6, %tmm5, %tmm2\n\ttdpbf16ps %tmm7, %tmm5, %tmm3");
  asm volatile("tilerelease");
}

}  // namespace

const PeakLoop peak_bf16_amx{bf16, 4.0 * 16 * 16 * 32 * 2};
const PeakLoop peak_int8_amx{int8, 4.0 * 16 * 16 * 64 * 2};

}  // namespace halftone::cpu
