#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/element_type.h"

/// Max, average and global average pooling, NHWC.
namespace halftone::cuda {

/// Output value = scale * pooled + bias, clamped and rounded to the type; max pooling moves values
/// unchanged. Windows may reach past the right and bottom edges (ceil mode); a window always
/// touches the image.
struct PoolParams {
  const void* input = nullptr;
  void* output = nullptr;
  Element type = Element::kFloat32;
  int batch = 1;
  int height = 1;
  int width = 1;
  int channels = 1;
  int out_height = 1;
  int out_width = 1;
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  int pad_top = 0;
  int pad_left = 0;
  int pad_bottom = 0;  ///< read only when padding is counted
  int pad_right = 0;
  int dilation_height = 1;
  int dilation_width = 1;
  bool count_padding = false;
  float scale = 1.0F;
  float bias = 0.0F;
};

cudaError_t max_pool(const PoolParams& p, cudaStream_t stream);
cudaError_t average_pool(const PoolParams& p, cudaStream_t stream);
/// The mean of each channel: output [N, C]; the kernel, strides and pads are not read.
cudaError_t global_average_pool(const PoolParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
