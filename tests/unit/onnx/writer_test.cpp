#include "onnx/writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "graph/text.h"
#include "onnx/proto.h"
#include "tests/unit/onnx/expect_error.h"

namespace halftone {
namespace {

using tests::expect_error;

onnx::ModelProto written(const char* text) {
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(serialize_onnx(parse_graph(text))));
  return proto;
}

std::int64_t opset(const onnx::ModelProto& proto) { return proto.opset_import(0).version(); }

TEST(Writer, StructuralAttributesBecomeInitializersWhereTheOpsetWantsInputs) {
  const auto proto = written("input x f32:2x3x4\ny = ReduceSum(x) axes=0,2 keepdims=0\noutput y");
  EXPECT_EQ(proto.ir_version(), 8);
  EXPECT_EQ(opset(proto), 17);
  const auto& node = proto.graph().node(0);
  ASSERT_EQ(node.input_size(), 2);
  ASSERT_EQ(proto.graph().initializer_size(), 1);
  EXPECT_EQ(node.input(1), proto.graph().initializer(0).name());
  EXPECT_EQ(proto.graph().initializer(0).data_type(), onnx::TensorProto::INT64);
  EXPECT_EQ(node.attribute_size(), 1);  // keepdims

  const auto mean = written("input x f32:2x3x4\ny = ReduceMean(x) axes=0,2\noutput y");
  EXPECT_EQ(mean.graph().node(0).input_size(), 1);
  EXPECT_EQ(mean.graph().node(0).attribute(0).name(), "axes");

  const auto clip = written("input x f16:2\ny = Clip(x) max=6\noutput y");
  ASSERT_EQ(clip.graph().node(0).input_size(), 3);
  EXPECT_EQ(clip.graph().node(0).input(1), "");
  EXPECT_EQ(clip.graph().initializer(0).data_type(), onnx::TensorProto::FLOAT16);
  EXPECT_EQ(clip.graph().initializer(0).dims_size(), 0);

  const auto slice = written("input x f32:8\ny = Slice(x) starts=1, ends=9223372036854775807,\noutput y");
  std::int64_t end = 0;
  for (const auto& tensor : slice.graph().initializer())
    if (tensor.name() == slice.graph().node(0).input(2)) std::memcpy(&end, tensor.raw_data().data(), sizeof end);
  EXPECT_EQ(end, std::numeric_limits<std::int64_t>::max());
}

TEST(Writer, SpellsListsFloatsAndElementTypesAsOnnxDoes) {
  const auto conv =
      written("input x f32:1x2x8x8\nconst w f32:2x2x3x3 zeros\ny = Conv(x, w) pads=1 strides=2\noutput y");
  for (const auto& attribute : conv.graph().node(0).attribute()) {
    EXPECT_EQ(attribute.type(), onnx::AttributeProto::INTS) << attribute.name();
    EXPECT_EQ(attribute.ints_size(), attribute.name() == "pads" ? 4 : 2) << attribute.name();
  }
  const auto leaky = written("input x f32:2\ny = LeakyRelu(x) alpha=1\noutput y");
  EXPECT_EQ(leaky.graph().node(0).attribute(0).type(), onnx::AttributeProto::FLOAT);
  const auto cast = written("input x f32:2\ny = Cast(x) to=i8\noutput y");
  EXPECT_EQ(cast.graph().node(0).attribute(0).i(), onnx::TensorProto::INT8);
}

TEST(Writer, TakesANewerOpsetOnlyWhereItMust) {
  EXPECT_EQ(opset(written("input x f32:2\ny = Mish(x)\noutput y")), 18);
  EXPECT_EQ(opset(written("input x f32:2\ny = Gelu(x)\noutput y")), 20);
  EXPECT_EQ(opset(written("input x bf16:2\ny = Relu(x)\noutput y")), 22);
  EXPECT_EQ(opset(written("input x f32:1x1x8\ny = AveragePool(x) kernel_shape=2 dilations=2\noutput y")), 19);
  EXPECT_EQ(opset(written("input x f32:1x1x8\ny = AveragePool(x) kernel_shape=2 dilations=1\noutput y")), 17);
}

TEST(Writer, NamesTheExtentsOfOutputsAfterTheInputs) {
  const auto proto = written("input x f32:Nx3x8\na = Flatten(x) axis=2\nb = Relu(x)\noutput a\noutput b");
  const auto dim = [&](int output, int axis) {
    return proto.graph().output(output).type().tensor_type().shape().dim(axis);
  };
  EXPECT_FALSE(dim(0, 0).has_dim_value());  // 3 N: no name of its own
  EXPECT_EQ(dim(0, 0).dim_param(), "");
  EXPECT_EQ(dim(0, 1).dim_value(), 8);
  EXPECT_EQ(dim(1, 0).dim_param(), "N");
  EXPECT_EQ(dim(1, 1).dim_value(), 3);
}

TEST(Writer, AnUnwritablePathLeavesNothingBehind) {
  const Graph graph = parse_graph("input x f32:2\ny = Relu(x)\noutput y");
  expect_error(Code::io, {"/nowhere/y.onnx"}, [&] { return write_onnx(graph, "/nowhere/y.onnx"), 0; });
}

TEST(WriterDeathTest, AnInternalOperatorIsABug) {
  Graph graph;
  const ValueId x = graph.add_input("x", {DType::f32, {1, 2, 2, 4}});
  const ValueId w = graph.add_constant("w", Tensor::from<float>({1, 1, 1, 4}, {1, 2, 3, 4}));
  graph.outputs = {graph.add_node("FusedConv", {x, w})};
  infer_types(graph);
  EXPECT_DEATH((void)serialize_onnx(graph), "internal");
}

}  // namespace
}  // namespace halftone
