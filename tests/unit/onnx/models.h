#pragma once
#include <string>

#include "onnx/proto.h"

namespace halftone::tests {

/// x [N,4] -> Relu -> y, as an exporter would write it; tests damage it in one place.
inline onnx::ModelProto tiny_model(int opset = 17) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("test");
  model.add_opset_import()->set_version(opset);
  auto& graph = *model.mutable_graph();
  graph.set_name("tiny");
  const auto declare = [](onnx::ValueInfoProto& info, const char* name) {
    info.set_name(name);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("N");
    type.mutable_shape()->add_dim()->set_dim_value(4);
  };
  declare(*graph.add_input(), "x");
  declare(*graph.add_output(), "y");
  auto& node = *graph.add_node();
  node.set_name("act");
  node.set_op_type("Relu");
  node.add_input("x");
  node.add_output("y");
  return model;
}

inline onnx::NodeProto& add_node(onnx::ModelProto& model, const char* op, std::initializer_list<const char*> inputs,
                                 std::initializer_list<const char*> outputs) {
  auto& node = *model.mutable_graph()->add_node();
  node.set_op_type(op);
  for (const auto* input : inputs) node.add_input(input);
  for (const auto* output : outputs) node.add_output(output);
  return node;
}

inline onnx::TensorProto& add_floats(onnx::ModelProto& model, const char* name,
                                     std::initializer_list<std::int64_t> dims, std::initializer_list<float> values) {
  auto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const auto dim : dims) tensor.add_dims(dim);
  for (const auto value : values) tensor.add_float_data(value);
  return tensor;
}

}  // namespace halftone::tests
