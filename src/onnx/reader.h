#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace halftone {

/// The opsets of ONNX's own domain that are read; what an older one says otherwise is brought to the newest's meaning.
inline constexpr int kOldestOpset = 7;
inline constexpr int kNewestOpset = 23;

/// A model file's graph, and what the file says about itself.
struct OnnxModel {
  Graph graph;                        ///< sorted, verified, its types inferred, symbolic extents at 1
  std::vector<std::string> warnings;  ///< one line each: weights that are NaN or infinite, claims that do not hold …
  int opset = 0;
  int ir_version = 0;
  std::string producer;  ///< "pytorch 2.4.0"; empty where the file does not say
};

/// Reads an ONNX file. Throws not_found, io, invalid_model (damaged, or does not hold together), unsupported (opset,
/// operators, element types; every unknown operator is named with its nodes) or resource_exhausted (a tensor claimed
/// too large to be believed); the message begins with the path.
OnnxModel read_onnx_model(const std::filesystem::path& path);

/// The same from bytes. Tensors kept in files of their own are looked for in `folder`; an empty one refuses them.
OnnxModel parse_onnx_model(std::string_view bytes, const std::filesystem::path& folder);

/// The graph alone.
Graph read_onnx(const std::filesystem::path& path);
Graph parse_onnx(std::string_view bytes, const std::filesystem::path& folder);

}  // namespace halftone
