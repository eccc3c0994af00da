#include "onnx/upgrade.h"

#include <algorithm>
#include <limits>

#include "graph/op.h"
#include "onnx/proto.h"
#include "onnx/reader.h"

namespace halftone {
namespace {

void rename(Attributes& attributes, std::string_view from, std::string_view to) {
  const Attribute* value = attributes.find(from);
  if (!value) return;
  Attribute moved = *value;
  attributes.erase(from);
  attributes.set(to, std::move(moved));
}

void read_by(const Graph& graph, ValueId id, std::size_t& count) {
  for (const auto& node : graph.nodes)
    count += static_cast<std::size_t>(std::count(node.inputs.begin(), node.inputs.end(), id));
  count += static_cast<std::size_t>(std::count(graph.outputs.begin(), graph.outputs.end(), id));
}

// Up to opset 8 `spatial` = 0 meant one mean for every pixel. The statistics are outputs in training only.
void batch_normalization(Graph& graph, Node& node) {
  if (node.attributes.get_int("spatial", 1) != 1)
    fail(Code::unsupported, "node '{}': BatchNormalization with spatial = 0", node.name);
  node.attributes.erase("spatial");
  for (std::size_t i = 1; i < node.outputs.size(); ++i) {
    std::size_t readers = 0;
    if (node.outputs[i] != kNoValue) read_by(graph, node.outputs[i], readers);
    if (readers != 0)
      fail(Code::unsupported, "node '{}': BatchNormalization in training form (its output '{}' is read)", node.name,
           graph.value(node.outputs[i]).name);
  }
  node.outputs.resize(1);
}

/// Constant factors below one mean that the picture shrinks.
bool shrinks(const Graph& graph, const Node& node) {
  std::vector<double> scales = node.attributes.get_floats("scales");
  if (node.inputs.size() > 1 && node.inputs[1] != kNoValue && graph.value(node.inputs[1]).is_constant())
    scales = graph.value(node.inputs[1]).constant.to_doubles();
  return std::any_of(scales.begin(), scales.end(), [](double scale) { return scale < 1; });
}

// Upsample and Resize-10 read pixel x at x / scale; from opset 11 that is one of several transformations, and the
// region of interest stands between the picture and the factors. Rounding is down, up where the picture shrinks, as
// ONNX's own opset-10 test vectors have it.
void resize(Graph& graph, Node& node) {
  const bool down = shrinks(graph, node);
  node.op = "Resize";
  node.attributes.set("coordinate_transformation_mode", std::string("asymmetric"));
  if (node.attributes.get_string("mode", "nearest") == "nearest")
    node.attributes.set("nearest_mode", std::string(down ? "ceil" : "floor"));
  if (node.attributes.get_string("mode", "nearest") == "bilinear") node.attributes.set("mode", std::string("linear"));
  if (node.inputs.size() > 1) node.inputs.insert(node.inputs.begin() + 1, kNoValue);
}

void pad(Graph&, Node& node) { rename(node.attributes, "value", "constant_value"); }

void scatter(Graph&, Node& node) { node.op = "ScatterElements"; }

void top_k(Graph&, Node& node) { rename(node.attributes, "k", "K"); }

// ONNX gives element types as codes; the graph names them.
void element_type(Graph&, Node& node) {
  for (const auto* name : {"to", "output_dtype"}) {
    const std::int64_t code = node.attributes.get_int(name, 0);
    node.attributes.erase(name);
    const auto what = fmt::format("node '{}': the attribute '{}' of {}", node.name, name, node.op);
    if (code != 0)
      node.attributes.set(
          name,
          std::string(halftone::name(require_dtype(static_cast<int>(std::clamp<std::int64_t>(code, -1, 1000)), what))));
  }
}

struct Upgrade {
  std::string_view op;
  int before;  ///< applies to opsets below this one
  void (*apply)(Graph&, Node&);
};

// What is not here differs from its newest form only in types, defaults that hold still, or in having as an attribute
// what is an input of the same name now.
constexpr Upgrade kUpgrades[] = {
    {"BatchNormalization", kNewestOpset + 1, batch_normalization},
    {"Cast", kNewestOpset + 1, element_type},
    {"DequantizeLinear", kNewestOpset + 1, element_type},
    {"Pad", 11, pad},
    {"QuantizeLinear", kNewestOpset + 1, element_type},
    {"Resize", 11, resize},
    {"Scatter", 11, scatter},
    {"TopK", 10, top_k},
    {"Upsample", 10, resize},
};

bool is_softmax(std::string_view op) { return op == "Softmax" || op == "LogSoftmax" || op == "Hardmax"; }

}  // namespace

std::string_view modern_name(std::string_view op, int opset) {
  if (op == "Upsample" && opset < 10) return "Resize";
  return op == "Scatter" && opset < 11 ? "ScatterElements" : op;
}

void upgrade_nodes(Graph& graph, int opset) {
  for (auto& node : graph.nodes) {
    if (opset < 13 && is_softmax(node.op) && !node.attributes.has("axis")) node.attributes.set("axis", std::int64_t{1});
    for (const auto& row : kUpgrades) {
      if (row.op != node.op || opset >= row.before) continue;
      try {
        row.apply(graph, node);
      } catch (Error& error) {
        if (!std::string_view(error.what()).starts_with("node '"))
          error.add_context(fmt::format("node '{}'", node.name));
        throw;
      }
      break;
    }
  }
}

bool upgrade_softmax(Graph& graph, int opset) {
  if (opset >= 13) return false;
  bool changed = false;
  const std::size_t count = graph.nodes.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_softmax(graph.nodes[i].op)) continue;
    const ValueId input = graph.nodes[i].inputs.front();
    const auto rank = graph.value(input).type.shape.rank();
    const std::int64_t axis = graph.nodes[i].attributes.get_int("axis", 1);
    graph.nodes[i].attributes.set("axis", std::int64_t{-1});
    if (rank == 0 || normalize_axis(axis, rank) + 1 == rank) continue;
    const std::string name = graph.nodes[i].name;
    const ValueId flat = graph.add_node("Flatten", {input}, {}, name + "_flatten");
    graph.nodes.back().attributes.set("axis", axis);
    const ValueId shape = graph.add_node("Shape", {input}, {}, name + "_shape");
    const ValueId result = graph.nodes[i].outputs.front();
    const ValueId inner = graph.add_value(graph.unique_name(name + "_flat"));
    graph.nodes[i].inputs.front() = flat;
    graph.nodes[i].outputs.front() = inner;
    graph.nodes.push_back({"Reshape", name + "_reshape", {}, {inner, shape}, {result}});
    changed = true;
  }
  if (changed) graph.sort();
  return changed;
}

}  // namespace halftone
