#include "cuda/conv_cutlass.cuh"

namespace halftone::cuda {

std::span<const CutlassConfig> conv_cutlass_bf16() { return cutlass_product::table<cutlass::bfloat16_t>(); }

}  // namespace halftone::cuda
