#pragma once

#include "cuda/element_type.h"
#include "cuda/mma.cuh"

namespace halftone::cuda {

/// Value number i of an array whose type is known at run time.
__device__ inline float load_element(const void* data, Element type, int64_t i) {
  switch (type) {
    case Element::kFloat32: return static_cast<const float*>(data)[i];
    case Element::kFloat16: return to_float(static_cast<const __half*>(data)[i]);
    case Element::kBfloat16: return to_float(static_cast<const __nv_bfloat16*>(data)[i]);
    case Element::kInt8: return to_float(static_cast<const int8_t*>(data)[i]);
    case Element::kFloat8: return to_float(static_cast<const __nv_fp8_e4m3*>(data)[i]);
    default: return to_float(static_cast<const uint8_t*>(data)[i]);
  }
}

/// Rounds to the type; 8-bit integers take the low byte of a whole number.
__device__ inline void store_element(void* data, Element type, int64_t i, float x) {
  switch (type) {
    case Element::kFloat32: static_cast<float*>(data)[i] = x; break;
    case Element::kFloat16: static_cast<__half*>(data)[i] = from_float<__half>(x); break;
    case Element::kBfloat16: static_cast<__nv_bfloat16*>(data)[i] = from_float<__nv_bfloat16>(x); break;
    case Element::kFloat8: static_cast<__nv_fp8_e4m3*>(data)[i] = from_float<__nv_fp8_e4m3>(x); break;
    default: static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(static_cast<int>(x) & 0xff);
  }
}

}  // namespace halftone::cuda
