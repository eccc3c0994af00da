#include "cuda/conv_cutlass.cuh"

namespace halftone::cuda {

std::span<const CutlassConfig> conv_cutlass_fp8() { return cutlass_product::table<cutlass::float_e4m3_t>(); }

}  // namespace halftone::cuda
