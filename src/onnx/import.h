#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "onnx/external_data.h"
#include "onnx/proto.h"
#include "onnx/reader.h"

namespace halftone {

/// Builds a Graph from a GraphProto: values by name, constants, nodes with their attributes, as the file has them.
/// Tensors are taken out of the proto as they are read, so that a model is not in memory twice.
class Importer {
 public:
  Importer(onnx::GraphProto& proto, const ExternalData& external, OnnxModel& model)
      : proto_(proto), external_(external), model_(model), graph_(model.graph) {}

  void run();

 private:
  ValueId add(const std::string& name, const std::string& origin);
  void add_constant(const std::string& name, Tensor tensor, const std::string& what, const std::string& origin);
  void read_initializers();
  void read_inputs();
  void declare_outputs(const onnx::NodeProto& node, Node& into);
  void read_constant(const onnx::NodeProto& node);
  void read_node(const onnx::NodeProto& proto, Node& node);
  void read_outputs();
  ValueId find(const std::string& name, std::string_view reader) const;

  onnx::GraphProto& proto_;
  const ExternalData& external_;
  OnnxModel& model_;
  Graph& graph_;
  std::unordered_map<std::string, ValueId> ids_;
  std::unordered_map<std::string, std::string> origins_;  // who made a value, for messages about a second maker
};

/// A node for messages: "node 'conv1' (Conv)", or by its first output where it has no name.
std::string describe(const onnx::NodeProto& node);

/// One attribute; `what` names its node.
Attribute read_attribute(const onnx::AttributeProto& proto, const ExternalData& external, const std::string& what);

/// "node 'n' holds 2 NaN …", or nothing where every element is finite. Infinite scalars are bounds, not damage.
std::string describe_not_finite(const Tensor& tensor, const std::string& what);

}  // namespace halftone
