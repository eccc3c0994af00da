#include "cuda/conv_cutlass.cuh"

namespace halftone::cuda {

std::span<const CutlassConfig> conv_cutlass_int8() { return cutlass_product::table<int8_t>(); }
std::span<const CutlassConfig> conv_cutlass_fp8() { return cutlass_product::table<cutlass::float_e4m3_t>(); }
std::span<const CutlassConfig> conv_cutlass_fp16() { return cutlass_product::table<cutlass::half_t>(); }
std::span<const CutlassConfig> conv_cutlass_bf16() { return cutlass_product::table<cutlass::bfloat16_t>(); }

}  // namespace halftone::cuda
