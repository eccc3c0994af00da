#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/element_type.h"

/// Moving values between layouts and types.
namespace halftone::cuda {

/// out[b][j][i] = convert(in[b][i][j] * scale + bias), saturating to integers: NCHW to NHWC with
/// rows = channels and columns = pixels, and the way back with the two exchanged.
struct TransposeParams {
  const void* input = nullptr;
  void* output = nullptr;
  Element from = Element::kFloat32;
  Element to = Element::kFloat32;
  int64_t batch = 1;
  int rows = 1;
  int columns = 1;
  float scale = 1.0F;
  float bias = 0.0F;
};

cudaError_t transpose_batched(const TransposeParams& p, cudaStream_t stream);

/// out[i] = convert(in[i] * scale + bias), saturating to integers.
cudaError_t convert(const void* input, Element from, void* output, Element to, int64_t count, float scale, float bias,
                    cudaStream_t stream);

/// out = clamp(a * a_scale + b * b_scale + bias, low, high), all of one type. `b` may be null: zeros.
struct AddParams {
  const void* a = nullptr;
  const void* b = nullptr;
  void* output = nullptr;
  Element type = Element::kFloat32;
  int64_t count = 0;
  float a_scale = 1.0F;
  float b_scale = 1.0F;
  float bias = 0.0F;
  float low = -3.4e38F;
  float high = 3.4e38F;
};

cudaError_t add(const AddParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
