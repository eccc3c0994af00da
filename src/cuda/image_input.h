#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/element_type.h"

namespace halftone::cuda {

/// halftone::ImageInput of at most four channels: `input` u8 or fp32, NCHW or NHWC; `output` NHWC.
struct ImageInputParams {
  const void* input = nullptr;
  void* output = nullptr;
  Element from = Element::kFloat32;
  Element to = Element::kFloat32;
  bool channels_last = false;
  int64_t batch = 1;
  int64_t plane = 1;  ///< pixels an image
  int channels = 3;
  float multiply[4] = {1, 1, 1, 1};
  float add[4] = {0, 0, 0, 0};
  float scale = 1;  ///< quantised results are divided by it
  float zero = 0;
};

cudaError_t image_input(const ImageInputParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
