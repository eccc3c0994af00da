#include "graph/symbolic.h"

#include <algorithm>
#include <set>

namespace halftone {

std::vector<std::vector<std::string>> output_dim_names(const Graph& graph) {
  std::vector<std::vector<std::string>> names;
  for (const auto id : graph.outputs) names.emplace_back(graph.value(id).type.shape.rank());
  std::set<std::string> symbols;
  for (const auto id : graph.inputs)
    for (const auto& symbol : graph.value(id).dim_names)
      if (!symbol.empty()) symbols.insert(symbol);
  for (const auto& symbol : symbols) {
    Graph larger = graph;
    std::int64_t extent = 0;
    for (const auto id : larger.inputs)
      for (std::size_t axis = 0; axis < larger.value(id).dim_names.size(); ++axis)
        if (larger.value(id).dim_names[axis] == symbol) extent = ++larger.value(id).type.shape[axis];
    try {
      infer_types(larger);
    } catch (const Error&) {
      for (auto& dims : names) std::fill(dims.begin(), dims.end(), "?");
      return names;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& before = graph.value(graph.outputs[i]).type.shape;
      const auto& after = larger.value(larger.outputs[i]).type.shape;
      for (std::size_t axis = 0; axis < before.rank(); ++axis)
        if (before[axis] != after[axis]) names[i][axis] = after[axis] == extent ? symbol : "?";
    }
  }
  return names;
}

}  // namespace halftone
