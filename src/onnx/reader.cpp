#include "onnx/reader.h"

#include <limits>
#include <map>

#include "base/file.h"
#include "graph/op.h"
#include "onnx/check_quantization.h"
#include "onnx/import.h"
#include "onnx/upgrade.h"

namespace halftone {
namespace {

constexpr std::size_t kLargestFile = std::numeric_limits<int>::max();  // protobuf counts bytes in an int

void parse(onnx::ModelProto& proto, std::string_view bytes) {
  if (bytes.empty()) fail(Code::invalid_model, "the file is empty");
  if (bytes.size() > kLargestFile)
    fail(Code::unsupported, "{} bytes, over protobuf's limit of 2 GiB: save the weights as external data",
         bytes.size());
  google::protobuf::SetLogHandler(nullptr);  // what it has to say is said below, once
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    fail(Code::invalid_model, "not an ONNX model, or damaged or cut short (its {} bytes do not parse)", bytes.size());
}

int opset_of(const onnx::ModelProto& proto) {
  if (!proto.has_ir_version() || !proto.has_graph())
    fail(Code::invalid_model, "not an ONNX model, or damaged or cut short: it has no {}",
         proto.has_graph() ? "IR version" : "graph");
  std::int64_t opset = -1;
  for (const auto& import : proto.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx")
      opset = std::max<std::int64_t>(opset, import.version());
  if (opset == -1) fail(Code::invalid_model, "the file does not say which opset it uses");
  if (opset < kOldestOpset || opset > kNewestOpset)
    fail(Code::unsupported, "opset {} is not supported, {} to {} are", opset, kOldestOpset, kNewestOpset);
  return static_cast<int>(opset);
}

bool is_own_domain(const onnx::NodeProto& node) { return node.domain().empty() || node.domain() == "ai.onnx"; }

std::string_view reason(const onnx::NodeProto& node) {
  const std::string& op = node.op_type();
  if (op == "If" || op == "Loop" || op == "Scan") return ", control flow";
  return "";
}

/// Names every operator that is not known, each with its first nodes.
void check_operators(const onnx::GraphProto& graph, int opset) {
  constexpr std::size_t kNodesNamed = 3;
  std::map<std::string, std::vector<std::string>> unknown;
  for (const auto& node : graph.node()) {
    if (is_own_domain(node) && (node.op_type() == "Constant" || node.op_type().empty())) continue;
    const Op* op = is_own_domain(node) ? find_op(modern_name(node.op_type(), opset)) : nullptr;
    if (op && !op->internal) continue;
    const std::string domain = is_own_domain(node) ? "" : node.domain() + ".";
    const auto quoted = describe(node);
    unknown[fmt::format("{}{}{}", domain, node.op_type(), reason(node))].push_back(
        quoted.substr(0, quoted.rfind(" (")));
  }
  if (unknown.empty()) return;
  std::string list;
  for (const auto& [op, nodes] : unknown) {
    list += fmt::format("{}{} ({}", list.empty() ? "" : "; ", op, nodes.front());
    for (std::size_t i = 1; i < std::min(nodes.size(), kNodesNamed); ++i) list += ", " + nodes[i];
    if (nodes.size() > kNodesNamed) list += fmt::format(" and {} more", nodes.size() - kNodesNamed);
    list += ")";
  }
  fail(Code::unsupported, "{} unsupported operator{}: {}", unknown.size(), unknown.size() == 1 ? "" : "s", list);
}

/// Lets go of outputs beyond the first that nobody reads, such as Dropout's mask.
void drop_unread_outputs(Graph& graph) {
  const auto users = graph.users();
  for (auto& node : graph.nodes) {
    const Op* op = find_op(node.op);
    if (op->max_outputs == Op::kAnyNumber) continue;  // Split: their number carries meaning
    for (std::size_t i = 1; i < node.outputs.size(); ++i)
      if (node.outputs[i] != kNoValue && users[static_cast<std::size_t>(node.outputs[i])].empty())
        node.outputs[i] = kNoValue;
    while (node.outputs.size() > 1 && node.outputs.back() == kNoValue) node.outputs.pop_back();
  }
}

std::string symbolic_extents(const Graph& graph) {
  std::string list;
  for (const auto id : graph.inputs)
    for (std::size_t axis = 1; axis < graph.value(id).dim_names.size(); ++axis)
      if (const auto& dim = graph.value(id).dim_names[axis]; !dim.empty())
        list += fmt::format("{}{} of '{}'", list.empty() ? "" : ", ", dim, graph.value(id).name);
  return list;
}

void infer(Graph& graph) {
  try {
    infer_types(graph);
  } catch (Error& error) {
    const auto symbolic = symbolic_extents(graph);
    if (symbolic.empty()) throw;
    throw Error(error.code(), fmt::format("{} (with symbolic extents taken as 1: {}; fix them in the model)",
                                          error.what(), symbolic));
  }
}

/// Holds what the file says of its outputs against what its nodes make.
void check_claims(const onnx::GraphProto& proto, const Graph& graph, std::vector<std::string>& warnings) {
  for (int i = 0; i < proto.output_size(); ++i) {
    const auto& claim = proto.output(i).type().tensor_type();
    const Value& output = graph.value(graph.outputs[static_cast<std::size_t>(i)]);
    if (!proto.output(i).type().has_tensor_type()) continue;
    const auto claimed = dtype_of_code(claim.elem_type());
    if (claimed && *claimed != output.type.dtype)
      fail(Code::invalid_model, "output '{}' is declared as {}, its nodes make {}", output.name, name(*claimed),
           output.type.text());
    if (!claim.has_shape()) continue;
    bool differs = static_cast<std::size_t>(claim.shape().dim_size()) != output.type.shape.rank();
    for (int axis = 0; axis < claim.shape().dim_size() && !differs; ++axis) {
      const auto& dim = claim.shape().dim(axis);
      differs = dim.has_dim_value() && dim.dim_value() != output.type.shape[static_cast<std::size_t>(axis)];
    }
    if (differs)
      warnings.push_back(fmt::format("output '{}' is declared with another shape than its nodes make, {}", output.name,
                                     output.type.text()));
  }
}

OnnxModel read(onnx::ModelProto& proto, const ExternalData& external) {
  OnnxModel model;
  model.opset = opset_of(proto);
  model.ir_version = static_cast<int>(proto.ir_version());
  model.producer = proto.producer_name();
  if (!proto.producer_version().empty())
    model.producer += (model.producer.empty() ? "" : " ") + proto.producer_version();
  check_operators(proto.graph(), model.opset);

  Importer(*proto.mutable_graph(), external, model).run();
  Graph& graph = model.graph;
  for (const auto& entry : proto.metadata_props()) graph.metadata[entry.key()] = entry.value();
  upgrade_nodes(graph, model.opset);
  drop_unread_outputs(graph);
  graph.sort();
  graph.verify();
  infer(graph);
  if (upgrade_softmax(graph, model.opset)) infer(graph);
  check_claims(proto.graph(), graph, model.warnings);
  check_quantization(graph);
  graph.compact();
  graph.verify();
  return model;
}

}  // namespace

OnnxModel parse_onnx_model(std::string_view bytes, const std::filesystem::path& folder) {
  onnx::ModelProto proto;
  parse(proto, bytes);
  return read(proto, ExternalData(folder));
}

OnnxModel read_onnx_model(const std::filesystem::path& path) {
  try {
    onnx::ModelProto proto;
    parse(proto, read_file(path));
    return read(proto, ExternalData(path.has_parent_path() ? path.parent_path() : "."));
  } catch (Error& error) {
    if (!std::string_view(error.what()).starts_with(path.string())) error.add_context(path.string());
    throw;
  }
}

Graph read_onnx(const std::filesystem::path& path) { return read_onnx_model(path).graph; }

Graph parse_onnx(std::string_view bytes, const std::filesystem::path& folder) {
  return parse_onnx_model(bytes, folder).graph;
}

}  // namespace halftone
