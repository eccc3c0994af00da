#pragma once
#include "cuda/conv_params.h"
#include "cuda/element_type.h"

namespace halftone::cuda {

/// The epilogue of ConvParams by itself, on sums a library left behind: output[i] from sums[i] (fp32, or s32 where
/// `whole`), row by row of `p.outputs` channels. `residual` is the type of p.residual, where there is one.
cudaError_t finish_product(const ConvParams& p, const void* sums, bool whole, Element residual, Element out,
                           cudaStream_t stream);

}  // namespace halftone::cuda
