#pragma once
#include <cuda.h>

#include "cuda/conv_params.h"

/// What the tensor copy engine of compute capability 9.0 and above must know of a convolution's input.
namespace halftone::cuda {

/// Whether output pixels read input pixels one by one in order, so that the input is a matrix of rows.
bool reads_rows(const ConvParams& p);

/// Describes `rows` output pixels' values under one tap, `slab_bytes` (64 or 128) of each, swizzled over as many bytes;
/// zeros beyond the image and beyond the channels. A matrix of rows has two coordinates, an image four.
cudaError_t map_pixels(CUtensorMap& map, const ConvParams& p, int element_bytes, int slab_bytes, int rows);

/// Describes boxes of `lines` lines of `pitch` pixels with all their channels (64 or 128 bytes), swizzled over as many
/// bytes; zeros beyond the image.
cudaError_t map_strips(CUtensorMap& map, const ConvParams& p, int element_bytes, int pitch, int lines);

/// Describes boxes of rows x columns values of a dense matrix, as they are.
cudaError_t map_rows(CUtensorMap& map, const void* matrix, int64_t all_rows, int all_columns, int element_bytes,
                     int rows, int columns);

}  // namespace halftone::cuda
