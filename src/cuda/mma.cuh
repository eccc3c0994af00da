#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

/// Warp-level matrix products and asynchronous copies, one spelling for every data type.
///
/// Every product here takes 16 rows of 32 bytes (A) and 8 columns of 32 bytes (B): 32 values of one
/// byte, 16 of two, 8 of four. Fragments of all types therefore come from the same `ldmatrix`, and
/// one kernel serves int8, fp8, fp16, bf16 and tf32. Code for compute capability 7.5 makes the products of
/// int8 and fp16 out of smaller ones and has no asynchronous copies; bf16 and tf32 need 8.0, fp8 needs 8.9.
namespace halftone::cuda {

/// A 32-bit float whose products run on the tensor cores with ten bits of mantissa.
struct Tf32 {
  float value;
};

template <typename T>
struct AccumulatorOf {
  using Type = float;
};
template <>
struct AccumulatorOf<int8_t> {
  using Type = int32_t;
};
template <>
struct AccumulatorOf<uint8_t> {
  using Type = int32_t;
};
template <typename T>
using Accumulator = typename AccumulatorOf<T>::Type;

/// Whether this is code for compute capability 7.5.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
constexpr bool kTuring = true;
#else
constexpr bool kTuring = false;
#endif

/// d += a * b for one 8 x 8 tile and 16 bytes of the inner dimension, the largest product of bytes on 7.5.
template <bool kUnsigned>
__device__ __forceinline__ void multiply_add_small(int32_t& d0, int32_t& d1, uint32_t a, uint32_t b) {
  if constexpr (kUnsigned) {
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32 {%0,%1},{%2},{%3},{%0,%1};"
                 : "+r"(d0), "+r"(d1)
                 : "r"(a), "r"(b));
  } else {
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1},{%2},{%3},{%0,%1};"
                 : "+r"(d0), "+r"(d1)
                 : "r"(a), "r"(b));
  }
}

/// The same for a 16 x 8 tile of fp16.
__device__ __forceinline__ void multiply_add_small(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t b) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5},{%6},"
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(b));
}

/// d += a * b for one 16 x 8 tile and 32 bytes of the inner dimension. For uint8_t, a is unsigned and
/// b signed.
template <typename T>
__device__ __forceinline__ void multiply_add(Accumulator<T> (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (kTuring && std::is_integral_v<T>) {
    constexpr bool kUnsigned = std::is_same_v<T, uint8_t>;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      multiply_add_small<kUnsigned>(d[0], d[1], a[2 * half], b[half]);
      multiply_add_small<kUnsigned>(d[2], d[3], a[2 * half + 1], b[half]);
    }
  } else if constexpr (kTuring && std::is_same_v<T, __half>) {
    multiply_add_small(d, a[0], a[1], b[0]);
    multiply_add_small(d, a[2], a[3], b[1]);
  } else if constexpr (std::is_same_v<T, int8_t>) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else if constexpr (std::is_same_v<T, __half>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else if constexpr (std::is_same_v<T, __nv_fp8_e4m3>) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    static_assert(std::is_same_v<T, Tf32>);
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},"
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
}

/// Four 8 x 16-byte matrices from shared memory; lane l names row l % 8 of matrix l / 8.
__device__ __forceinline__ void load_matrices(uint32_t (&out)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address));
}

/// Copies 16 bytes to shared memory without waiting; writes zeros where `valid` is false. Not on 7.5.
__device__ __forceinline__ void copy_async(uint32_t shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0],[%1],16,%2;" ::"r"(shared), "l"(global), "r"(valid ? 16 : 0));
}
__device__ __forceinline__ void commit_copies() {
  if constexpr (!kTuring) asm volatile("cp.async.commit_group;");
}
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  if constexpr (!kTuring) asm volatile("cp.async.wait_group %0;" ::"n"(kPending));
}

/// One 16-byte copy to shared memory that is under way between its two calls: asynchronous where the card has that,
/// through registers on 7.5.
class Copy {
 public:
  __device__ __forceinline__ void begin(uint32_t shared, const void* global, bool valid) {
    if constexpr (kTuring) {
      shared_ = shared;
      value_ = valid ? __ldg(static_cast<const uint4*>(global)) : uint4{};
    } else {
      copy_async(shared, global, valid);
    }
  }
  __device__ __forceinline__ void finish() const {
    if constexpr (kTuring) {
      asm volatile("st.shared.v4.u32 [%0],{%1,%2,%3,%4};" ::"r"(shared_), "r"(value_.x), "r"(value_.y), "r"(value_.z),
                   "r"(value_.w)
                   : "memory");
    }
  }

 private:
  uint32_t shared_;
  uint4 value_;
};

__device__ __forceinline__ uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(__nv_fp8_e4m3 x) { return static_cast<float>(x); }
__device__ __forceinline__ float to_float(int8_t x) { return x; }
__device__ __forceinline__ float to_float(uint8_t x) { return x; }
__device__ __forceinline__ float to_float(Tf32 x) { return x.value; }

/// Rounds to nearest even and saturates; the scale, where there is one, is the caller's.
template <typename T>
__device__ __forceinline__ T from_float(float x) {
  if constexpr (std::is_same_v<T, int8_t>) {
    int32_t out;
    asm("cvt.rni.sat.s8.f32 %0, %1;" : "=r"(out) : "f"(x));
    return static_cast<int8_t>(out);
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    int32_t out;
    asm("cvt.rni.sat.u8.f32 %0, %1;" : "=r"(out) : "f"(x));
    return static_cast<uint8_t>(out);
  } else if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(x);
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return __float2bfloat16_rn(x);
  } else if constexpr (std::is_same_v<T, Tf32>) {
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return Tf32{__uint_as_float(bits)};
  } else {
    return T(x);
  }
}

/// kCount values that travel together, aligned so that one instruction moves them.
template <typename T, int kCount>
struct alignas(sizeof(T) * kCount > 16 ? 16 : sizeof(T) * kCount) Pack {
  T values[kCount];
};

}  // namespace halftone::cuda
