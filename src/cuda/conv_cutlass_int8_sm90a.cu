#include "cuda/conv_cutlass.cuh"

namespace halftone::cuda {

std::span<const CutlassConfig> conv_cutlass_int8() { return cutlass_product::table<int8_t>(); }

}  // namespace halftone::cuda
