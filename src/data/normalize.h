#pragma once
#include <cstdint>

#include "data/image.h"
#include "data/preprocess.h"

namespace halftone {

/// Turns RGB pixels into one element of a batch: channel order, (pixel * scale - mean) / std, layout and type as
/// `preprocess` says. Gray is (19595 R + 38470 G + 7471 B + 2^15) >> 16, ITU-R BT.601 in fixed point.
void normalize(const Image& image, const Preprocess& preprocess, void* target);

}  // namespace halftone
