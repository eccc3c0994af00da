#include "cuda/conv_strip.cuh"

namespace halftone::cuda {

std::span<const ConvStripConfig> conv_strip_fp16() { return kHalfStrips<__half>; }

}  // namespace halftone::cuda
