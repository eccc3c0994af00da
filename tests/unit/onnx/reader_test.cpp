#include "onnx/reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "tests/unit/onnx/expect_error.h"
#include "tests/unit/onnx/models.h"

namespace halftone {
namespace {

using tests::add_floats;
using tests::add_node;
using tests::expect_error;
using tests::tiny_model;

OnnxModel read(const onnx::ModelProto& proto) { return parse_onnx_model(proto.SerializeAsString(), ""); }

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

TEST(Reader, InitializersListedAmongInputsAreConstants) {
  auto proto = tiny_model();
  proto.set_ir_version(3);
  *proto.mutable_graph()->add_input() = proto.graph().input(0);
  proto.mutable_graph()->mutable_input(1)->set_name("c");
  add_floats(proto, "c", {1, 4}, {1, 2, 3, 4});
  proto.mutable_graph()->mutable_node(0)->set_op_type("Add");
  proto.mutable_graph()->mutable_node(0)->add_input("c");
  const auto graph = read(proto).graph;
  EXPECT_EQ(graph.inputs.size(), 1u);
  ASSERT_TRUE(graph.value(graph.nodes.at(0).inputs.at(1)).is_constant());
}

TEST(Reader, EveryKindOfConstantNodeIsAConstant) {
  auto proto = tiny_model();
  auto& graph = *proto.mutable_graph();
  const auto add_constant = [&](const char* output, const char* attribute) -> onnx::AttributeProto& {
    auto& node = add_node(proto, "Constant", {}, {output});
    node.add_attribute()->set_name(attribute);
    auto* last = graph.add_output();
    *last = graph.output(0);
    last->set_name(output);
    last->mutable_type()->mutable_tensor_type()->clear_shape();
    return *node.mutable_attribute(0);
  };
  auto& one = add_constant("one", "value_float");
  one.set_type(onnx::AttributeProto::FLOAT);
  one.set_f(0.5f);
  auto& many = add_constant("many", "value_floats");
  many.set_type(onnx::AttributeProto::FLOATS);
  many.add_floats(1);
  many.add_floats(2);
  auto& integers = add_constant("integers", "value_ints");
  integers.set_type(onnx::AttributeProto::INTS);
  integers.add_ints(7);
  graph.mutable_output(3)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT64);
  const auto read_back = read(proto).graph;
  const auto constant = [&](std::size_t output) { return read_back.value(read_back.outputs.at(output)).constant; };
  EXPECT_EQ(constant(1).type().text(), "f32:");
  EXPECT_EQ(constant(1).to_doubles(), std::vector<double>{0.5});
  EXPECT_EQ(constant(2).to_doubles(), (std::vector<double>{1, 2}));
  EXPECT_EQ(constant(3).type().text(), "i64:1");
  EXPECT_EQ(constant(3).to_ints(), std::vector<std::int64_t>{7});
}

TEST(Reader, SortsNodesInAnyOrder) {
  auto proto = tiny_model();
  auto& graph = *proto.mutable_graph();
  graph.mutable_node(0)->set_input(0, "b");
  add_node(proto, "Neg", {"a"}, {"b"});
  add_node(proto, "Abs", {"x"}, {"a"});
  const auto nodes = read(proto).graph.nodes;
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0].op, "Abs");
  EXPECT_EQ(nodes[0].name, "a");  // without a name a node goes by its output
  EXPECT_EQ(nodes[1].op, "Neg");
  EXPECT_EQ(nodes[2].op, "Relu");
}

TEST(Reader, NotAModelAtAll) {
  const auto parse = [](std::string bytes) { return [bytes] { return parse_onnx(bytes, ""); }; };
  expect_error(Code::invalid_model, {"empty"}, parse(""));
  expect_error(Code::invalid_model, {"not an ONNX model"}, parse("%PDF-1.7 something else entirely"));
  expect_error(Code::invalid_model, {"not an ONNX model", "30 bytes"}, parse(std::string(30, '\xff')));
  expect_error(Code::not_found, {"/nowhere/x.onnx", "no such file"}, [] { return read_onnx("/nowhere/x.onnx"); });
  expect_error(Code::io, {"/tmp", "directory"}, [] { return read_onnx("/tmp"); });
  auto no_graph = tiny_model();
  no_graph.clear_graph();
  expect_error(Code::invalid_model, {"no graph"}, [&] { return read(no_graph); });
  auto no_version = tiny_model();
  no_version.clear_ir_version();
  expect_error(Code::invalid_model, {"no IR version"}, [&] { return read(no_version); });
}

TEST(Reader, TheErrorOfAFileNamesTheFile) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("halftone_reader_{}.onnx", ::getpid());
  auto proto = tiny_model();
  proto.mutable_graph()->mutable_node(0)->set_input(0, "ghost");
  std::ofstream(path) << proto.SerializeAsString();
  expect_error(Code::invalid_model, {path.c_str(), "act", "ghost"}, [&] { return read_onnx(path); });
  std::filesystem::remove(path);
}

TEST(Reader, OpsetsOutOfRange) {
  for (const int opset : {7, 13, 23}) EXPECT_EQ(read(tiny_model(opset)).opset, opset);
  for (const int opset : {1, 6, 24, 1000})
    expect_error(Code::unsupported, {std::to_string(opset).c_str(), "7 to 23"},
                 [&] { return read(tiny_model(opset)); });
  auto none = tiny_model();
  none.clear_opset_import();
  none.add_opset_import()->set_domain("com.example");
  expect_error(Code::invalid_model, {"does not say which opset"}, [&] { return read(none); });
}

TEST(Reader, EveryUnknownOperatorIsNamedWithItsNodes) {
  auto proto = tiny_model();
  add_node(proto, "Frobnicate", {"x"}, {"f"}).set_name("frob");
  add_node(proto, "QGemm", {"x"}, {"g"}).set_domain("com.microsoft");
  add_node(proto, "If", {"x"}, {"h"});
  for (const auto* output : {"i", "j", "k"}) add_node(proto, "Frobnicate", {"x"}, {output});
  expect_error(Code::unsupported,
               {"3 unsupported operators", "Frobnicate (node 'frob', node 'i', node 'j' and 1 more)",
                "com.microsoft.QGemm (node 'g')", "If, control flow (node 'h')"},
               [&] { return read(proto); });
  auto internal = tiny_model();
  internal.mutable_graph()->mutable_node(0)->set_op_type("FusedConv");
  expect_error(Code::unsupported, {"FusedConv", "act"}, [&] { return read(internal); });
}

TEST(Reader, CyclesDanglingEdgesAndDoubleNames) {
  auto cycle = tiny_model();
  cycle.mutable_graph()->mutable_node(0)->set_input(0, "b");
  add_node(cycle, "Neg", {"y"}, {"b"}).set_name("back");
  expect_error(Code::invalid_model, {"cycle", "node '"}, [&] { return read(cycle); });

  auto dangling = tiny_model();
  dangling.mutable_graph()->mutable_node(0)->set_input(0, "ghost");
  expect_error(Code::invalid_model, {"act", "Relu", "ghost"}, [&] { return read(dangling); });

  auto no_output = tiny_model();
  no_output.mutable_graph()->mutable_output(0)->set_name("ghost");
  expect_error(Code::invalid_model, {"outputs", "ghost"}, [&] { return read(no_output); });
  no_output.mutable_graph()->clear_output();
  expect_error(Code::invalid_model, {"no outputs"}, [&] { return read(no_output); });

  auto twice = tiny_model();
  add_node(twice, "Neg", {"x"}, {"y"}).set_name("second");
  expect_error(Code::invalid_model, {"'y'", "act", "second"}, [&] { return read(twice); });

  auto weight = tiny_model();
  add_floats(weight, "w", {1}, {1});
  add_floats(weight, "w", {1}, {1});
  expect_error(Code::invalid_model, {"'w'", "twice"}, [&] { return read(weight); });

  auto attribute = tiny_model();
  for (int i = 0; i < 2; ++i) {
    auto& axis = *attribute.mutable_graph()->mutable_node(0)->add_attribute();
    axis.set_name("axis");
    axis.set_type(onnx::AttributeProto::INT);
  }
  expect_error(Code::invalid_model, {"act", "'axis' twice"}, [&] { return read(attribute); });
}

TEST(Reader, ShapesAndTypesThatDoNotFit) {
  auto shapes = tiny_model();
  add_floats(shapes, "w", {3}, {1, 2, 3});
  shapes.mutable_graph()->mutable_node(0)->set_op_type("Add");
  shapes.mutable_graph()->mutable_node(0)->add_input("w");
  expect_error(Code::invalid_model, {"act", "Add", "1x4", "3"}, [&] { return read(shapes); });

  auto types = shapes;
  auto& weight = *types.mutable_graph()->mutable_initializer(0);
  weight.set_dims(0, 4);
  weight.set_data_type(onnx::TensorProto::INT64);
  weight.clear_float_data();
  for (int i = 0; i < 4; ++i) weight.add_int64_data(i);
  expect_error(Code::invalid_model, {"act", "Add", "i64", "f32"}, [&] { return read(types); });

  auto claim = tiny_model();
  claim.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::INT8);
  expect_error(Code::invalid_model, {"output 'y'", "i8", "f32"}, [&] { return read(claim); });

  auto warned = tiny_model();
  warned.mutable_graph()
      ->mutable_output(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(1)
      ->set_dim_value(5);
  EXPECT_EQ(read(warned).warnings.size(), 1u);
}

TEST(Reader, InputsThatCannotBe) {
  const auto dim = [](onnx::ModelProto& proto) {
    return proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(
        1);
  };
  auto negative = tiny_model();
  dim(negative)->set_dim_value(-3);
  expect_error(Code::invalid_model, {"input 'x'", "-3"}, [&] { return read(negative); });
  auto absurd = tiny_model();
  dim(absurd)->set_dim_value(std::int64_t{1} << 60);
  expect_error(Code::resource_exhausted, {"input 'x'"}, [&] { return read(absurd); });
  auto shapeless = tiny_model();
  shapeless.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  expect_error(Code::unsupported, {"input 'x'", "no shape"}, [&] { return read(shapeless); });
  auto words = tiny_model();
  words.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::STRING);
  expect_error(Code::unsupported, {"input 'x'", "string"}, [&] { return read(words); });
  auto sequence = tiny_model();
  sequence.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type();
  expect_error(Code::unsupported, {"input 'x'", "not a tensor"}, [&] { return read(sequence); });
}

TEST(Reader, SymbolicExtentsThatFailAtOneAreNamed) {
  auto proto = tiny_model();
  auto& shape = *proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.mutable_dim(1)->set_dim_value(2);
  shape.add_dim()->set_dim_param("height");
  shape.add_dim()->set_dim_param("width");
  auto& node = *proto.mutable_graph()->mutable_node(0);
  node.set_op_type("MaxPool");
  auto& kernel = *node.add_attribute();
  kernel.set_name("kernel_shape");
  kernel.set_type(onnx::AttributeProto::INTS);
  kernel.add_ints(3);
  kernel.add_ints(3);
  expect_error(Code::invalid_model, {"act", "height of 'x'", "width of 'x'"}, [&] { return read(proto); });
}

TEST(Reader, WeightsThatAreNotFiniteAreWarnedOf) {
  auto proto = tiny_model();
  add_floats(proto, "w", {1, 4}, {NAN, 1, INFINITY, -INFINITY});
  add_floats(proto, "bound", {}, {INFINITY});
  proto.mutable_graph()->mutable_node(0)->set_op_type("Sum");
  proto.mutable_graph()->mutable_node(0)->add_input("w");
  proto.mutable_graph()->mutable_node(0)->add_input("bound");
  const auto warnings = read(proto).warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "initializer 'w' holds 1 NaN and 2 infinite values among 4");
}

}  // namespace
}  // namespace halftone
