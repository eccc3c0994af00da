#include "onnx/reader.h"

#include <gtest/gtest.h>

#include "tests/unit/onnx/models.h"

namespace halftone {
namespace {

using tests::add_floats;
using tests::add_node;
using tests::tiny_model;

OnnxModel read(const onnx::ModelProto& proto) {
  return parse_onnx_model(proto.SerializeAsString(), "");
}

TEST(Reader, ReadsNamesTypesAndSymbolicExtents) {
  const auto model = read(tiny_model());
  const Graph& graph = model.graph;
  EXPECT_EQ(model.opset, 17);
  EXPECT_EQ(model.producer, "test");
  EXPECT_TRUE(model.warnings.empty());
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
  EXPECT_EQ(graph.value(graph.inputs[0]).type.text(), "f32:1x4");
  EXPECT_EQ(graph.value(graph.inputs[0]).dim_names, (std::vector<std::string>{"N", ""}));
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
  EXPECT_EQ(graph.nodes.at(0).name, "act");
  const auto result = evaluate(graph, std::vector{Tensor::from<float>({1, 4}, {-1, 0, 2, 3})});
  EXPECT_EQ(result.at(0).to_doubles(), (std::vector<double>{0, 0, 2, 3}));
}

}  // namespace
}  // namespace halftone
