#pragma once
#include <optional>
#include <string_view>

#include "graph/graph.h"

namespace halftone {

/// The opset files are written in where nothing newer is needed.
inline constexpr int kWrittenOpset = 17;

/// The lowest opset from kWrittenOpset up that has what this node says.
int needed_opset(const Graph& graph, const Node& node);

/// The node's attributes as `opset` spells them: element types as codes, lists in full, floats as floats, without what
/// the opset does not know (needed_opset() has seen to it that nothing is lost).
Attributes attributes_at(const Graph& graph, const Node& node, int opset);

/// True where `opset` has the structural input `name` of `op` as an attribute.
bool is_attribute_at(std::string_view op, std::string_view name, int opset);

/// The tensor ONNX wants for a structural attribute of a node given as an input; undefined where it says nothing.
Tensor structural_tensor(const Graph& graph, const Node& node, std::string_view name, const Attribute& value);

}  // namespace halftone
