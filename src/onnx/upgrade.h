#pragma once
#include <string_view>

#include "graph/graph.h"

namespace halftone {

/// The operator an old one is read as (Upsample is Resize), or the name itself where `opset` no longer has the old one.
std::string_view modern_name(std::string_view op, int opset = 0);

/// Brings every node from `opset` to the newest meaning of its operator, where that can be said without shapes.
/// Throws unsupported, naming the node, where it has no newer form.
void upgrade_nodes(Graph& graph, int opset);

/// Rewrites the Softmax, LogSoftmax and Hardmax of opset < 13, which flatten their input to two dimensions at `axis`.
/// Needs types; leaves those that run over the last axis as they are. True when a type has to be inferred anew.
bool upgrade_softmax(Graph& graph, int opset);

}  // namespace halftone
