#pragma once
#include <span>

#include "graph/graph.h"

namespace halftone {

/// Changes a graph whose one input is f32 [N,C,H,W] to take the bytes of pictures, u8 [N,H,W,C], and to compute x *
/// multiply[c] + add[c] itself, so that a quarter of the bytes travels to the device. Throws unsupported for other
/// graphs.
void read_byte_images(Graph& graph, std::span<const float> multiply, std::span<const float> add);

}  // namespace halftone
