#pragma once
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace halftone {

/// A graph as text, one line a thing:
///   graph NAME
///   input x f32:Nx3x8x8                (a word as an extent is symbolic, 1 for now; `N@4` is 4 for now)
///   const w f32:4x3x3x3 random(7)      (seeded values, see below)
///   const b f32:2 [0.5 1]
///   y = Conv(x, w, _) pads=1*4         (several outputs: `a, b = Split(x) axis=1`; `_` leaves one out)
///   output y
/// Blank lines and what follows '#' are passed over. A name is made of anything but blanks and `,()=#"`, or stands in
/// double quotes. A node is named after its first output. Tensor attributes are written <f32:2;0.5,1>.
///
/// Constants: `[…]`; `zeros`; `full(V)`; `random(SEED)`, uniform in [-1, 1) for floats, over the whole range for 8-bit
/// types and in -128 … 127 for other integers; `random(SEED,LOW,HIGH)`, uniform in [LOW, HIGH).
///
/// Constants are printed before their first reader; those of more than 16 elements print as `elided(hash)`, which does
/// not read back: the text form is for people and tests, ONNX for storage. Inferred types are printed as comments.
std::string print(const Graph& graph);

/// The inverse; the result is verified and its types are inferred. Throws invalid_argument naming the line, or what
/// verify and infer_types throw.
Graph parse_graph(std::string_view text);

}  // namespace halftone
