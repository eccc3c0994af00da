#include "cuda/conv_pointwise.cuh"

namespace halftone::cuda {

std::span<const PointwiseConfig> conv_pointwise_int8() { return pointwise_byte_table<int8_t, int8_t>(); }
std::span<const PointwiseConfig> conv_pointwise_uint8() { return pointwise_byte_table<uint8_t, int8_t>(); }

}  // namespace halftone::cuda
