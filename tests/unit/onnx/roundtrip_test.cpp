#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>

#include "base/file.h"
#include "graph/count.h"
#include "graph/text.h"
#include "onnx/proto.h"
#include "onnx/reader.h"
#include "onnx/tensor.h"
#include "onnx/writer.h"
#include "zoo/zoo.h"

namespace halftone {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTestData = "/usr/share/libonnx-testdata/data";

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

void expect_same(const Graph& graph, const Graph& back, const std::vector<Tensor>& inputs, const std::string& what) {
  const auto before = evaluate(graph, inputs);
  const auto after = evaluate(back, inputs);
  ASSERT_EQ(before.size(), after.size()) << what;
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(same_bits(before[i], after[i])) << what << ", output " << i;
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> names;
  for (const auto id : ids) names.push_back(graph.value(id).name);
  return names;
}

/// Same names, types, symbols, nodes, attributes and constants; ids may differ.
void expect_equal(const Graph& a, const Graph& b, const std::string& what) {
  ASSERT_EQ(names_of(a, a.inputs), names_of(b, b.inputs)) << what;
  ASSERT_EQ(names_of(a, a.outputs), names_of(b, b.outputs)) << what;
  EXPECT_EQ(a.metadata, b.metadata) << what;
  for (std::size_t i = 0; i < a.inputs.size(); ++i) {
    EXPECT_EQ(a.value(a.inputs[i]).type, b.value(b.inputs[i]).type) << what;
    EXPECT_EQ(a.value(a.inputs[i]).dim_names, b.value(b.inputs[i]).dim_names) << what;
  }
  ASSERT_EQ(a.nodes.size(), b.nodes.size()) << what;
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].op, b.nodes[i].op) << what;
    EXPECT_EQ(a.nodes[i].name, b.nodes[i].name) << what;
    EXPECT_EQ(names_of(a, a.nodes[i].outputs), names_of(b, b.nodes[i].outputs)) << what;
    for (std::size_t j = 0; j < std::min(a.nodes[i].inputs.size(), b.nodes[i].inputs.size()); ++j) {
      if (a.nodes[i].inputs[j] == kNoValue) continue;
      const Value &x = a.value(a.nodes[i].inputs[j]), &y = b.value(b.nodes[i].inputs[j]);
      EXPECT_EQ(x.name, y.name) << what;
      ASSERT_EQ(x.is_constant(), y.is_constant()) << what;
      if (x.is_constant()) {
        EXPECT_TRUE(same_bits(x.constant, y.constant)) << what << ": " << x.name;
      }
    }
  }
}

/// Makes inputs of the constants of more than `largest` elements, so that a file holds the network without its weights.
void lift_constants(Graph& graph, std::int64_t largest) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    Value& value = graph.values[i];
    if (!value.is_constant() || value.type.shape.count() <= largest) continue;
    value.constant = Tensor();
    graph.inputs.push_back(static_cast<ValueId>(i));
  }
}

TEST(RoundTrip, EveryZooNetworkIsReadAsItWasBuilt) {
  for (const auto name : zoo_names()) {
    Graph graph = make_zoo(name, 3);
    // The largest go without their weights, which would take gigabytes here; the rest show that weights survive.
    if (name.starts_with("vgg") || name == "resnet101") lift_constants(graph, 4096);
    graph.metadata["key"] = "value \n with a line";
    const Graph back = parse_onnx(serialize_onnx(graph), "");
    expect_equal(graph, back, std::string(name));
    EXPECT_EQ(parameters(back), parameters(graph)) << name;
    EXPECT_EQ(multiply_adds(back), multiply_adds(graph)) << name;
  }
}

TEST(RoundTrip, ASmallZooNetworkComputesTheSame) {
  const Graph graph = make_zoo("mobilenet_v2", 5);
  const Graph back = parse_onnx(serialize_onnx(graph), "");
  Tensor image(DType::f32, Shape{1, 3, 32, 32});
  std::mt19937 random(1);
  for (float& pixel : image.data<float>()) pixel = std::normal_distribution<float>()(random);
  expect_same(graph, back, {image}, "mobilenet_v2");
}

TEST(RoundTrip, RealModels) {
  const char* data = std::getenv("HALFTONE_DATA");
  if (data == nullptr) GTEST_SKIP() << "HALFTONE_DATA is not set";
  for (const auto* name : {"resnet18", "resnet50", "squeezenet1.1", "mobilenet_v2"}) {
    const auto model = read_onnx_model(fs::path(data) / "models" / fmt::format("{}.onnx", name));
    EXPECT_TRUE(model.warnings.empty()) << name;
    EXPECT_EQ(model.opset, 13) << name;
    expect_equal(model.graph, parse_onnx(serialize_onnx(model.graph), ""), name);
  }
}

struct Case {
  Graph graph;
  std::vector<Tensor> inputs;
};

/// A model of ONNX's test data with its inputs; those after the first become initializers where it does not run
/// otherwise, as a Reshape's target has to be one. Nothing where it is not supported: the conformance test says what
/// is.
std::optional<Case> load(const fs::path& folder) {
  onnx::ModelProto proto;
  if (!proto.ParseFromString(read_file(folder / "model.onnx"))) return std::nullopt;
  const int given = proto.graph().input_size();
  for (const bool bind : {false, true}) {
    try {
      Case result;
      for (int i = 0; i < given; ++i) {
        const Tensor tensor = tensor_from_proto_file(folder / "test_data_set_0" / fmt::format("input_{}.pb", i));
        if (bind && i > 0)
          tensor_to_proto(tensor, proto.graph().input(i).name(), *proto.mutable_graph()->add_initializer());
        else result.inputs.push_back(tensor);
      }
      result.graph = parse_onnx(proto.SerializeAsString(), "");
      (void)evaluate(result.graph, result.inputs);
      return result;
    } catch (const Error&) {
    }
  }
  return std::nullopt;
}

/// Every model of ONNX's own test data that is read is written and read again and then computes the same bits; once
/// with what shapes a result as inputs, and once, folded, with it as attributes that the writer has to turn back.
TEST(RoundTrip, OnnxTestData) {
  if (!fs::exists(kTestData)) GTEST_SKIP() << kTestData << " is absent";
  std::size_t done = 0;
  for (const auto* kind : {"node", "simple", "pytorch-operator", "pytorch-converted"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(kTestData) / kind)) {
      const auto loaded = load(entry.path());
      if (!loaded) continue;
      const std::string what = entry.path().filename().string();
      try {
        expect_same(loaded->graph, parse_onnx(serialize_onnx(loaded->graph), ""), loaded->inputs, what);
        Graph folded = loaded->graph;
        fold_constants(folded);
        expect_same(loaded->graph, parse_onnx(serialize_onnx(folded), ""), loaded->inputs, what + ", folded");
        ++done;
      } catch (const Error& error) {
        ADD_FAILURE() << what << ": " << error.what();
      }
    }
  }
  std::cout << done << " models\n";
  EXPECT_GE(done, 400u);
}

}  // namespace
}  // namespace halftone
