#pragma once
#include <cuda.h>

#include "cuda/mma.cuh"

/// Hopper's own instructions: matrix products of a warpgroup on operands in shared memory, copies by the tensor copy
/// engine, and the barriers they report to. For compute capability 9.0a alone.
namespace halftone::cuda {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define HALFTONE_HOPPER 1
#endif

// Operands of the products: names of accumulators, and their registers with a constraint.
#define HALFTONE_NAMES_32                                                                          \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25," \
  "%26,%27,%28,%29,%30,%31"
#define HALFTONE_NAMES_64                                                                                \
  HALFTONE_NAMES_32                                                                                      \
      ","                                                                                                \
      "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55," \
      "%56,%57,%58,%59,%60,%61,%62,%63"
#define HALFTONE_NAMES_128                                                                               \
  HALFTONE_NAMES_64                                                                                      \
      ","                                                                                                \
      "%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87," \
      "%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,"    \
      "%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
#define HALFTONE_D4(c, i) c(d[i]), c(d[(i) + 1]), c(d[(i) + 2]), c(d[(i) + 3])
#define HALFTONE_D16(c, i) HALFTONE_D4(c, i), HALFTONE_D4(c, (i) + 4), HALFTONE_D4(c, (i) + 8), HALFTONE_D4(c, (i) + 12)
#define HALFTONE_D32(c, i) HALFTONE_D16(c, i), HALFTONE_D16(c, (i) + 16)
#define HALFTONE_D64(c, i) HALFTONE_D32(c, i), HALFTONE_D32(c, (i) + 32)
#define HALFTONE_D128(c, i) HALFTONE_D64(c, i), HALFTONE_D64(c, (i) + 64)

/// One product: `registers` accumulators of constraint `c`; `shape` and `types` as the instruction spells them;
/// `tail` what follows the predicate. The names a, b and keep are the operands after the accumulators.
#define HALFTONE_WGMMA(registers, c, shape, types, tail, a_name, b_name, keep_name)                                   \
  asm volatile("{ .reg .pred keep; setp.ne.b32 keep, " keep_name ", 0; wgmma.mma_async.sync.aligned." shape "." types \
               " {" HALFTONE_NAMES_##registers "}," a_name "," b_name ", keep" tail "; }"                             \
               : HALFTONE_D##registers(c, 0)                                                                          \
               : "l"(a), "l"(b), "r"(keep))

/// The three widths of one type: 64, 128 and 256 columns, `bytes_depth` values deep.
#define HALFTONE_WGMMA_WIDTHS(type, sum, c, depth, types, tail)                                          \
  __device__ __forceinline__ void multiply_group(type, sum(&d)[32], uint64_t a, uint64_t b, int keep) {  \
    HALFTONE_WGMMA(32, c, "m64n64" depth, types, tail, "%32", "%33", "%34");                             \
  }                                                                                                      \
  __device__ __forceinline__ void multiply_group(type, sum(&d)[64], uint64_t a, uint64_t b, int keep) {  \
    HALFTONE_WGMMA(64, c, "m64n128" depth, types, tail, "%64", "%65", "%66");                            \
  }                                                                                                      \
  __device__ __forceinline__ void multiply_group(type, sum(&d)[128], uint64_t a, uint64_t b, int keep) { \
    HALFTONE_WGMMA(128, c, "m64n256" depth, types, tail, "%128", "%129", "%130");                        \
  }

#ifdef HALFTONE_HOPPER
#define HALFTONE_FLOAT_SUM(x) "+f"(x)
#define HALFTONE_WHOLE_SUM(x) "+r"(x)
/// d = a * b, plus d where `keep`: 64 rows by 64, 128 or 256 columns, 32 bytes deep. `a` and `b` describe shared memory
/// (see operand()); the first parameter only picks the type. Unsigned a meets signed b.
HALFTONE_WGMMA_WIDTHS(__nv_fp8_e4m3, float, HALFTONE_FLOAT_SUM, "k32", "f32.e4m3.e4m3", ", 1, 1")
HALFTONE_WGMMA_WIDTHS(int8_t, int32_t, HALFTONE_WHOLE_SUM, "k32", "s32.s8.s8", "")
HALFTONE_WGMMA_WIDTHS(uint8_t, int32_t, HALFTONE_WHOLE_SUM, "k32", "s32.u8.s8", "")
HALFTONE_WGMMA_WIDTHS(__half, float, HALFTONE_FLOAT_SUM, "k16", "f32.f16.f16", ", 1, 1, 0, 0")
HALFTONE_WGMMA_WIDTHS(__nv_bfloat16, float, HALFTONE_FLOAT_SUM, "k16", "f32.bf16.bf16", ", 1, 1, 0, 0")

__device__ __forceinline__ void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int kPending>
__device__ __forceinline__ void wait_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

/// Describes rows of `row_bytes` (64 or 128), swizzled over as many bytes, that start at `address`. Adding 2 goes 32
/// bytes along the rows.
__device__ __forceinline__ uint64_t operand(uint32_t address, int row_bytes) {
  const uint64_t start = (address & 0x3ffff) >> 4;
  const uint64_t eight_rows = static_cast<uint64_t>(row_bytes * 8 / 16);
  const uint64_t swizzle = row_bytes == 128 ? 1 : 2;
  return start | uint64_t{1} << 16 | eight_rows << 32 | swizzle << 62;
}

__device__ __forceinline__ void start_barrier(uint32_t barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void arrive_expecting(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
/// Until the phase of that parity is over.
__device__ __forceinline__ void wait_barrier(uint32_t barrier, uint32_t parity) {
  asm volatile(
      "{ .reg .pred done;\n"
      "again: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra again; }" ::"r"(barrier),
      "r"(parity)
      : "memory");
}

/// `bytes` (a multiple of 16) from global to shared memory.
__device__ __forceinline__ void copy_bulk(uint32_t shared, const void* global, int bytes, uint32_t barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(shared),
               "l"(global), "r"(bytes), "r"(barrier)
               : "memory");
}
/// Brings a copy's description near before the first copy asks for it.
__device__ __forceinline__ void prefetch_map(const CUtensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}
/// A box of a matrix of rows.
__device__ __forceinline__ void copy_rows(uint32_t shared, const CUtensorMap& map, int column, int row,
                                          uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
          shared),
      "l"(&map), "r"(column), "r"(row), "r"(barrier)
      : "memory");
}
/// Pixels of an image under one tap of a window, from the window at (x, y) on.
__device__ __forceinline__ void copy_pixels(uint32_t shared, const CUtensorMap& map, int channel, int x, int y,
                                            int image, int tap_x, int tap_y, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, "
      "%5}], "
      "[%6], {%7, %8};" ::"r"(shared),
      "l"(&map), "r"(channel), "r"(x), "r"(y), "r"(image), "r"(barrier), "h"(static_cast<uint16_t>(tap_x)),
      "h"(static_cast<uint16_t>(tap_y))
      : "memory");
}
#endif

}  // namespace halftone::cuda
