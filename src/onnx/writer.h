#pragma once
#include <filesystem>
#include <string>

#include "graph/graph.h"

namespace halftone {

/// Writes a graph whose types are inferred as an ONNX file (IR 8; opset 17, or the lowest newer one that can say it),
/// all or nothing. What the graph has as attributes and ONNX as inputs become initializers; symbolic extents and
/// graph.metadata are kept. Throws io, or unsupported when the file would pass protobuf's 2 GiB. An internal operator
/// (FusedConv) is a bug of the caller.
void write_onnx(const Graph& graph, const std::filesystem::path& path);

/// The bytes of that file.
std::string serialize_onnx(const Graph& graph);

}  // namespace halftone
