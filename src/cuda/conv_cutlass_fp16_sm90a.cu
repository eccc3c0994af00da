#include "cuda/conv_cutlass.cuh"

namespace halftone::cuda {

std::span<const CutlassConfig> conv_cutlass_fp16() { return cutlass_product::table<cutlass::half_t>(); }

}  // namespace halftone::cuda
