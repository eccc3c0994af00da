#include "cuda/conv_strip.cuh"

namespace halftone::cuda {

std::span<const ConvStripConfig> conv_strip_fp8() { return kByteStrips<__nv_fp8_e4m3>; }

}  // namespace halftone::cuda
