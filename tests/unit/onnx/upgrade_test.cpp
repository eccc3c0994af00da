#include "onnx/upgrade.h"

#include <gtest/gtest.h>

#include <cmath>

#include "onnx/reader.h"
#include "tests/unit/onnx/expect_error.h"
#include "tests/unit/onnx/models.h"

namespace halftone {
namespace {

using tests::add_floats;
using tests::add_node;
using tests::expect_error;
using tests::tiny_model;

void set_ints(onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const auto value : values) attribute.add_ints(value);
}

void set_int(onnx::NodeProto& node, const char* name, std::int64_t value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void set_float(onnx::NodeProto& node, const char* name, float value) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}

/// One node of an old opset from x, of the shape given, to y, whose shape the file does not claim.
struct Old {
  Old(const char* op, int opset, std::initializer_list<std::int64_t> shape)
      : proto(tiny_model(opset)), node(*proto.mutable_graph()->mutable_node(0)) {
    node.set_op_type(op);
    auto& dims = *proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
    dims.clear_dim();
    for (const auto dim : shape) dims.add_dim()->set_dim_value(dim);
    proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  }
  Graph read() const { return parse_onnx(proto.SerializeAsString(), ""); }
  std::vector<double> run(std::initializer_list<float> x) const {
    const Graph graph = read();
    return evaluate(graph, std::vector{Tensor::from<float>(graph.value(graph.inputs[0]).type.shape, x)})
        .at(0)
        .to_doubles();
  }

  onnx::ModelProto proto;
  onnx::NodeProto& node;
};

using List = std::vector<double>;

TEST(Upgrade, SoftmaxBefore13RunsOverAllAxesFromItsOwn) {
  Old old("Softmax", 11, {1, 2, 2});
  for (const double value : old.run({1, 1, 1, 1})) EXPECT_NEAR(value, 0.25, 1e-6);  // default axis 1: both axes at once
  EXPECT_EQ(old.read().nodes.size(), 4u);
  Old now("Softmax", 13, {1, 2, 2});
  for (const double value : now.run({1, 1, 1, 1})) EXPECT_NEAR(value, 0.5, 1e-6);
  Old last("LogSoftmax", 9, {2, 2});
  EXPECT_EQ(last.read().nodes.size(), 1u);
  for (const double value : last.run({1, 1, 1, 1})) EXPECT_NEAR(value, std::log(0.5), 1e-6);
  Old bad("Softmax", 9, {2, 2});
  set_int(bad.node, "axis", 5);
  expect_error(Code::invalid_model, {"act", "axis 5"}, [&] { return bad.read(); });
}

TEST(Upgrade, AttributesThatAreInputsNow) {
  Old clip("Clip", 6 + 1, {4});
  set_float(clip.node, "min", 0);
  set_float(clip.node, "max", 2);
  EXPECT_EQ(clip.run({-1, 1, 2, 3}), (List{0, 1, 2, 2}));
  Old pad("Pad", 7, {2});
  set_ints(pad.node, "pads", {1, 2});
  set_float(pad.node, "value", 9);
  EXPECT_EQ(pad.run({1, 2}), (List{9, 1, 2, 9, 9}));
  Old slice("Slice", 9, {4});
  set_ints(slice.node, "starts", {1});
  set_ints(slice.node, "ends", {-1});
  EXPECT_EQ(slice.run({0, 1, 2, 3}), (List{1, 2}));
  Old reduce("ReduceMean", 11, {2, 2});
  set_ints(reduce.node, "axes", {0});
  set_int(reduce.node, "keepdims", 0);
  EXPECT_EQ(reduce.run({0, 1, 2, 3}), (List{1, 2}));
  Old unsqueeze("Unsqueeze", 11, {2});
  set_ints(unsqueeze.node, "axes", {0, 2});
  EXPECT_EQ(unsqueeze.read().value(unsqueeze.read().outputs[0]).type.text(), "f32:1x2x1");
}

TEST(Upgrade, UpsampleAndResize10) {
  Old upsample("Upsample", 9, {1, 1, 1, 2});
  add_floats(upsample.proto, "scales", {4}, {1, 1, 1, 2});
  upsample.node.add_input("scales");
  EXPECT_EQ(upsample.read().nodes.at(0).op, "Resize");
  EXPECT_EQ(upsample.run({1, 2}), (List{1, 1, 2, 2}));
  Old gone("Upsample", 10, {1, 1, 1, 2});  // opset 10 took it away
  expect_error(Code::unsupported, {"Upsample", "act"}, [&] { return gone.read(); });
  Old resize("Resize", 10, {1, 1, 2, 4});
  add_floats(resize.proto, "scales", {4}, {1, 1, 0.6f, 0.6f});
  resize.node.add_input("scales");
  EXPECT_EQ(resize.run({1, 2, 3, 4, 5, 6, 7, 8}), (List{1, 3}));
}

TEST(Upgrade, TrainingLeftoversOfBatchNormalizationAndDropout) {
  const auto normalise = [] {
    Old old("BatchNormalization", 8, {1, 1, 2});
    for (const auto* name : {"scale", "shift", "mean", "variance"}) {
      add_floats(old.proto, name, {1}, {1});
      old.node.add_input(name);
    }
    set_float(old.node, "epsilon", 0);
    set_int(old.node, "spatial", 1);
    return old.proto;
  };
  auto proto = normalise();
  auto& node = *proto.mutable_graph()->mutable_node(0);
  for (const auto* output : {"m", "v", "sm", "sv"}) node.add_output(output);
  const Graph graph = parse_onnx(proto.SerializeAsString(), "");
  EXPECT_EQ(graph.nodes.at(0).outputs.size(), 1u);
  EXPECT_EQ(evaluate(graph, std::vector{Tensor::from<float>({1, 1, 2}, {3, 4})}).at(0).to_doubles(), (List{3, 4}));
  proto.mutable_graph()->mutable_output(0)->set_name("m");
  expect_error(Code::unsupported, {"act", "training", "'m'"},
               [&] { return parse_onnx(proto.SerializeAsString(), ""); });
  auto pixels = normalise();
  pixels.mutable_graph()->mutable_node(0)->mutable_attribute(1)->set_i(0);
  expect_error(Code::unsupported, {"act", "spatial"}, [&] { return parse_onnx(pixels.SerializeAsString(), ""); });

  Old dropout("Dropout", 7, {2});
  set_float(dropout.node, "ratio", 0.5f);
  dropout.node.add_output("mask");
  EXPECT_EQ(dropout.run({1, 2}), (List{1, 2}));
}

TEST(Upgrade, CastNamesItsElementType) {
  Old cast("Cast", 9, {2});
  set_int(cast.node, "to", onnx::TensorProto::INT32);
  cast.proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::INT32);
  EXPECT_EQ(cast.read().nodes.at(0).attributes.get_string("to", ""), "i32");
  EXPECT_EQ(cast.run({1.5f, -2}), (List{1, -2}));
  Old words("Cast", 9, {2});
  set_int(words.node, "to", onnx::TensorProto::STRING);
  expect_error(Code::unsupported, {"act", "string"}, [&] { return words.read(); });
}

}  // namespace
}  // namespace halftone
