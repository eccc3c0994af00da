#pragma once
#include "cuda/conv_params.h"
#include "cuda/element_type.h"

/// Depthwise convolution: one filter a channel.
namespace halftone::cuda {

/// `weights` lie [kernel_height][kernel_width][channels] in the input's type (s8 for u8 input);
/// channels = outputs; the output and residual have type `out`: that of the input, the other kind of bytes, more bits
/// for an input of 8, or 8 for one of 16.
cudaError_t depthwise(const ConvParams& p, Element in, Element out, cudaStream_t stream);

}  // namespace halftone::cuda
