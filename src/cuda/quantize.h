#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/element_type.h"

namespace halftone::cuda {

/// out[i] = round(in[i] / scale) + zero, saturated, with one scale and one zero point (null: 0) in device memory.
/// `from` is a float, `to` a type of one byte.
struct QuantizeParams {
  const void* input = nullptr;
  const void* scale = nullptr;
  const void* zero = nullptr;
  void* output = nullptr;
  Element from = Element::kFloat32;
  Element scale_type = Element::kFloat32;
  Element to = Element::kInt8;
  int64_t count = 0;
};

cudaError_t quantize(const QuantizeParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
