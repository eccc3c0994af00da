#pragma once
#include <string>
#include <vector>

#include "graph/graph.h"

namespace halftone {

/// For each graph output, what its extents are called: the name of the symbolic input extent each one equals, "?" where
/// it follows one in another way, "" where it is fixed. Found by inferring again with each symbol one larger; all are
/// "?" where the graph does not hold together then. Types must be known.
std::vector<std::vector<std::string>> output_dim_names(const Graph& graph);

}  // namespace halftone
