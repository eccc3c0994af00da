#pragma once
#include "cuda/conv_params.h"
#include "cuda/element_type.h"

/// Matrix products of a few rows, as classifiers are at small batches: bound by reading the weights once.
namespace halftone::cuda {

constexpr int kMostRows = 4;

/// Whether there is a kernel from one type to the other: the same, or fp32; bytes leave as either kind.
bool has_rows(Element from, Element to);

/// `p` without windows, strides and residual; at most kMostRows pixels; the channels fill whole 16 bytes.
cudaError_t conv_rows(const ConvParams& p, Element from, Element to, cudaStream_t stream);

}  // namespace halftone::cuda
