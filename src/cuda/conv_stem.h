#pragma once
#include "cuda/conv_params.h"
#include "cuda/element_type.h"

/// A network's first convolution: at most four input channels, any small kernel.
///
/// NHWC as it lies, u8 shifted to s8 while a block stages its window of it.
namespace halftone::cuda {

enum class StemCompute { kInt8, kFp8, kFp16, kBf16, kTf32 };

/// What is taken off u8 input.
constexpr float kByteShift = 128;

struct StemParams {
  /// `channels` 1 to 4; `weights` as pack_stem_weights lays them; no residual.
  ConvParams conv;
  StemCompute compute = StemCompute::kFp16;
  bool bytes = false;  ///< the input is u8, for kInt8 alone; else it has the compute type (fp32 for tf32)
  /// The compute type (fp32 for tf32, either kind of bytes for kInt8), or for kFp16 and kBf16 an 8-bit one.
  Element out = Element::kFloat16;
  float padding = 0;  ///< the value, in the compute type, of pixels outside the image
};

/// Elements of the packed weights.
size_t stem_weight_count(const ConvParams& p, StemCompute compute);

/// Rearranges OHWI weights of the compute type for a kernel whose outputs have `output_bytes`; both pointers in host
/// memory.
void pack_stem_weights(const ConvParams& p, StemCompute compute, int output_bytes, const void* ohwi, void* packed);

/// Null where the kernel takes the problem and a block may have that much shared memory, else why it does not.
const char* stem_refusal(const StemParams& p, size_t shared_limit);

cudaError_t conv_stem(const StemParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
