#pragma once
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace halftone {

/// A graph as text, one line a thing:
///   graph NAME
///   input x f32:Nx3x8x8                (a letter or word as an extent is symbolic; its value now after '@': N@1)
///   const w f32:4x3x3x3 random(7)      (seeded values in [-1, 1)), or `w f32:2 [0.5 1]`, or `zeros`
///   y = Conv(x, w, _) pads=1*4         (several outputs: `a, b = Split(x) axis=1`; `_` leaves one out)
///   output y
/// Blank lines and what follows '#' are passed over. Constants of more than 16 elements print as `elided(hash)`, which does
/// not read back: the text form is for people and tests, ONNX for storage.
std::string print(const Graph& graph);

/// The inverse; the result is verified and its types are inferred. Throws invalid_argument naming the line.
Graph parse_graph(std::string_view text);

}  // namespace halftone
