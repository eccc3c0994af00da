#include "cuda/conv_strip.cuh"

namespace halftone::cuda {

std::span<const ConvStripConfig> conv_strip_int8() { return kByteStrips<int8_t>; }

}  // namespace halftone::cuda
