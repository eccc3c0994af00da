#include <algorithm>
#include <array>

#include "base/clock.h"
#include "passes/pass.h"

namespace halftone {

#define HALFTONE_PASS(name, what) int run_##name(Graph&, const PassContext&);
#include "passes/passes.def"
#undef HALFTONE_PASS

namespace {

// fold runs again where a pass leaves views and copies behind.
constexpr auto kLower = std::to_array<std::string_view>(
    {"fold", "canonical", "batchnorm", "scale", "unsign", "qdq_move", "fold", "gemm", "nhwc", "fold", "qdq_move",
     "fuse", "qdq_move", "qdq", "qdq_pad", "dequantize", "half", "image_input", "fold"});
constexpr auto kSimplify = std::to_array<std::string_view>({"fold_any_batch", "batchnorm"});

std::vector<PassRecord> run(Graph& graph, std::span<const std::string_view> names, const PassContext& context,
                            const std::set<std::string>& off) {
  const auto passes = all_passes();
  const auto find = [&](std::string_view name) {
    return std::find_if(passes.begin(), passes.end(), [&](const Pass& pass) { return pass.name == name; });
  };
  for (const auto& name : off)
    if (find(name) == passes.end()) fail(Code::invalid_argument, "there is no pass '{}'", name);
  const auto tidy = [&] {
    graph.sort();
    graph.compact();
    graph.verify();
    infer_types(graph);
  };
  tidy();
  std::vector<PassRecord> records;
  for (const auto name : names) {
    if (off.contains(std::string(name))) continue;
    const auto start = now_seconds();
    int rewrites = 0;
    try {
      rewrites = find(name)->run(graph, context);
      tidy();
    } catch (Error& error) {
      error.add_context(fmt::format("pass '{}'", name));
      throw;
    }
    records.push_back({std::string(name), rewrites, now_seconds() - start});
  }
  return records;
}

}  // namespace

std::span<const Pass> all_passes() {
  static const Pass rows[] = {
#define HALFTONE_PASS(name, what) {#name, what, run_##name},
#include "passes/passes.def"
#undef HALFTONE_PASS
  };
  return rows;
}

std::vector<PassRecord> lower(Graph& graph, const PassContext& context, const std::set<std::string>& off) {
  for (const auto id : graph.inputs) graph.value(id).dim_names.clear();  // extents are settled from here on
  return run(graph, kLower, context, off);
}

std::vector<PassRecord> simplify(Graph& graph, const std::set<std::string>& off) {
  return run(graph, kSimplify, {}, off);
}

}  // namespace halftone
