#include "cuda/conv_strip.cuh"

namespace halftone::cuda {

std::span<const ConvStripConfig> conv_strip_bf16() { return kHalfStrips<__nv_bfloat16>; }

}  // namespace halftone::cuda
