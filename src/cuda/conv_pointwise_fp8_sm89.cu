#include "cuda/conv_pointwise.cuh"

namespace halftone::cuda {

std::span<const PointwiseConfig> conv_pointwise_fp8() { return pointwise_byte_table<__nv_fp8_e4m3, __nv_fp8_e4m3>(); }

}  // namespace halftone::cuda
