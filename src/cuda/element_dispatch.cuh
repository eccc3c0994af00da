#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "cuda/element_type.h"

/// Calls a generic function with a value of the C++ type that a run-time Element names.
namespace halftone::cuda {

template <typename Function>
cudaError_t with_element(Element type, Function&& function) {
  switch (type) {
    case Element::kFloat32: return function(float{});
    case Element::kFloat16: return function(__half{});
    case Element::kBfloat16: return function(__nv_bfloat16{});
    case Element::kInt8: return function(int8_t{});
    case Element::kUint8: return function(uint8_t{});
  }
  return cudaErrorInvalidValue;
}

/// Blocks for a grid-stride loop over `items`, a few waves at most.
inline unsigned grid_blocks(int64_t items, int threads) {
  const int64_t wanted = (items + threads - 1) / threads;
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted > 132 * 64 ? 132 * 64 : wanted);
}

}  // namespace halftone::cuda
