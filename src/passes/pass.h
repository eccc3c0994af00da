#pragma once
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "graph/graph.h"

namespace halftone {

/// Metadata entries of a plan, which has one of them at most: the products, one a line, that run in that type where
/// they are left in float.
inline constexpr const char* kBf16Layers = "halftone.bf16";
inline constexpr const char* kFp16Layers = "halftone.fp16";

/// What passes may know of the world. They never see a backend: `can_run` answers for it.
struct PassContext {
  /// Whether the device has a kernel better than the reference for a Problem (types inferred).
  std::function<bool(const Problem&)> can_run = [](const Problem&) { return true; };
  /// Whether one of those kernels is made for the types of the Problem, so that it is worth joining nodes for.
  std::function<bool(const Problem&)> runs_well = [](const Problem&) { return true; };
  Precision precision = Precision::fp32;  ///< what float convolutions and products run in
  bool prefers_unsigned = false;          ///< the device multiplies u8 data by i8 weights faster than i8 data
};

/// A named rewrite Graph -> Graph that keeps the meaning. Gets a graph with types inferred; may leave nodes unordered
/// and dead, and new values untyped: the pipeline sorts, compacts, verifies and infers after each pass.
struct Pass {
  std::string_view name;
  std::string_view what;  ///< one line for people
  /// Returns how many rewrites it made.
  int (*run)(Graph& graph, const PassContext& context);
};

/// What a pass did, for `explain`.
struct PassRecord {
  std::string name;
  int rewrites = 0;
  double seconds = 0;
};

/// Every pass there is, in the order of passes.def.
std::span<const Pass> all_passes();

/// The list that lowers an imported graph (batch set) for an engine: folding, BatchNorm, NHWC, fusion, QDQ, precision.
/// Extents are settled then: symbolic names are gone. Inputs and outputs keep their names, types and order. `off` names
/// passes to leave out. Throws invalid_argument for a name that is no pass.
std::vector<PassRecord> lower(Graph& graph, const PassContext& context, const std::set<std::string>& off = {});

/// The part that needs no batch size and keeps plain ONNX operators (constants folded, Identity and Dropout gone,
/// BatchNorm folded): what quantize starts from.
std::vector<PassRecord> simplify(Graph& graph, const std::set<std::string>& off = {});

}  // namespace halftone
