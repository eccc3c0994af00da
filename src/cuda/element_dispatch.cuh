#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

#include "cuda/element_type.h"

namespace halftone::cuda {

/// Calls a generic function with a value of the C++ type that a run-time Element names, any but kFloat8.
template <typename Function>
cudaError_t with_element(Element type, Function&& function) {
  switch (type) {
    case Element::kFloat32: return function(float{});
    case Element::kFloat16: return function(__half{});
    case Element::kBfloat16: return function(__nv_bfloat16{});
    case Element::kInt8: return function(int8_t{});
    case Element::kUint8: return function(uint8_t{});
    case Element::kFloat8: return cudaErrorInvalidValue;
  }
  return cudaErrorInvalidValue;
}

/// The same for all of them.
template <typename Function>
cudaError_t with_any_element(Element type, Function&& function) {
  return type == Element::kFloat8 ? function(__nv_fp8_e4m3{}) : with_element(type, function);
}

/// Blocks for a grid-stride loop over `items`, a few waves at most.
inline unsigned grid_blocks(int64_t items, int threads) {
  const int64_t wanted = (items + threads - 1) / threads;
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted > 132 * 64 ? 132 * 64 : wanted);
}

}  // namespace halftone::cuda
