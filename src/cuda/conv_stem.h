#pragma once
#include <span>
#include <vector>

#include "cuda/conv_params.h"

/// A network's first convolution: at most four input channels, any small kernel.
///
/// The input is read as it lies (bytes of an image, NCHW floats, or NHWC values), normalised and
/// rounded to the compute type while a block stages its window of it, so neither a layout change
/// nor a normalisation pass over the batch is needed.
namespace halftone::cuda {

enum class StemCompute { kInt8, kFp8, kFp16, kBf16, kTf32 };

/// How the input lies: image bytes NHWC, fp32 NCHW, or NHWC in the compute type (fp32 for tf32).
enum class StemSource { kBytesNhwc, kFloatNchw, kSameNhwc };

struct StemParams {
  /// `channels` 1 to 4; `weights` as pack_stem_weights lays them; no residual.
  ConvParams conv;
  StemCompute compute = StemCompute::kFp16;
  StemSource source = StemSource::kFloatNchw;
  /// What is convolved is round(x * multiply[c] + add[c]) in the compute type. Ignored for
  /// kSameNhwc. Padding comes after this step, as where the framework normalises beforehand.
  float multiply[4] = {1, 1, 1, 1};
  float add[4] = {0, 0, 0, 0};
  float padding = 0;  ///< the value, in the compute type, of pixels outside the image
};

/// Elements of the packed weights.
size_t stem_weight_count(const ConvParams& p, StemCompute compute);

/// Rearranges OHWI weights of `element_size` bytes for the kernel; both pointers in host memory.
void pack_stem_weights(const ConvParams& p, StemCompute compute, const void* ohwi, void* packed);

/// Null where the kernel takes the problem, else why it does not.
const char* stem_refusal(const StemParams& p);

cudaError_t conv_stem(const StemParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
