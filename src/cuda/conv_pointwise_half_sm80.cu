#include "cuda/conv_pointwise.cuh"

namespace halftone::cuda {

std::span<const PointwiseConfig> conv_pointwise_fp16() { return pointwise_half_table<__half>(); }
std::span<const PointwiseConfig> conv_pointwise_bf16() { return pointwise_half_table<__nv_bfloat16>(); }

}  // namespace halftone::cuda
