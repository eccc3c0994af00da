#include <cstdlib>
#include <filesystem>
#include <set>

#include "onnx/reader.h"

#include "tests/unit/passes/passes_test.h"
#include "zoo/zoo.h"

namespace halftone {
namespace {

class ZooLowering : public ::testing::TestWithParam<std::string> {};

/// A network with small images, so that the references take seconds; those whose classifier fixes the size keep it.
Graph with_images_of(const std::string& name, std::int64_t extent) {
  Graph graph = make_zoo(name);
  auto& type = graph.value(graph.inputs[0]).type;
  type.shape[2] = type.shape[3] = extent;
  infer_types(graph);
  return graph;
}

/// What a lowered CNN is made of, with the Transpose of the image and at most one Reshape on either end.
void expect_cnn(const Graph& graph) {
  const std::set<std::string> allowed{"FusedConv", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat",
                                      "Reshape",   "Softmax", "LRN",         "Transpose",         "Slice"};
  for (const auto& node : graph.nodes) EXPECT_TRUE(allowed.contains(node.op)) << node.op << " " << node.name;
  EXPECT_EQ(test::count(graph, "Transpose"), 1) << print(graph);
  EXPECT_LE(test::count(graph, "Reshape"), 2) << print(graph);
}

TEST_P(ZooLowering, LeavesConvolutionsPoolingsAndOneTranspose) {
  Graph graph = make_zoo(GetParam());
  lower(graph, {});
  expect_cnn(graph);
  PassContext bf16;
  bf16.precision = Precision::bf16;
  graph = make_zoo(GetParam());
  lower(graph, bf16);
  EXPECT_LE(test::count(graph, "Cast"), 1 + 2 * test::count(graph, "LRN")) << print(graph);
}

INSTANTIATE_TEST_SUITE_P(All, ZooLowering,
                         ::testing::Values("resnet18", "resnet50", "alexnet", "googlenet", "vgg16", "squeezenet1.1",
                                           "mobilenet_v2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(ZooLowering, ComputesTheSame) {
  for (const std::string name : {"resnet18", "squeezenet1.1", "mobilenet_v2"}) {
    SCOPED_TRACE(name);
    (void)test::lowered(with_images_of(name, 33), 1e-4);
  }
}

TEST(RealModels, LowerToConvolutionsAndPoolings) {
  const char* data = std::getenv("HALFTONE_DATA");
  if (data == nullptr) GTEST_SKIP() << "HALFTONE_DATA is not set";
  for (const std::string name : {"resnet18", "resnet50", "squeezenet1.1", "mobilenet_v2"}) {
    SCOPED_TRACE(name);
    Graph graph = read_onnx(std::filesystem::path(data) / "models" / (name + ".onnx"));
    Graph simple = graph;
    simplify(simple);
    for (const auto& node : simple.nodes)
      EXPECT_FALSE(node.op == "BatchNormalization" || node.op == "Identity" || node.op == "Dropout") << node.op;
    EXPECT_EQ(simple.value(simple.inputs[0]).dim_names, graph.value(graph.inputs[0]).dim_names);
    set_batch(simple, 3);
    set_batch(graph, 2);
    lower(graph, {});
    expect_cnn(graph);
  }
}

}  // namespace
}  // namespace halftone
