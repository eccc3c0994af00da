#include "zoo/zoo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "graph/count.h"

namespace halftone {
namespace {

TEST(Zoo, ParametersAndMultiplyAddsAreThePublishedOnes) {
  ASSERT_EQ(zoo_entries().size(), 10u);
  for (const auto& entry : zoo_entries()) {
    const Graph graph = make_zoo(entry.name);
    EXPECT_EQ(parameters(graph), entry.parameters) << entry.name;
    EXPECT_EQ(std::round(multiply_adds(graph) / 1e7) / 100, entry.giga_multiply_adds) << entry.name;
  }
}

TEST(Zoo, TakesTheBatchAndNamesWhatItReadsAndMakes) {
  for (const auto name : {"resnet18", "squeezenet1.1", "mobilenet_v2"}) {
    Graph graph = make_zoo(name, 1, 4);
    EXPECT_EQ(graph.value(graph.inputs.at(0)).name, "input");
    EXPECT_EQ(graph.value(graph.inputs.at(0)).type.text(), "f32:4x3x224x224");
    EXPECT_EQ(graph.value(graph.outputs.at(0)).name, "logits");
    EXPECT_EQ(graph.value(graph.outputs.at(0)).type.text(), "f32:4x1000");
    set_batch(graph, 9);
    EXPECT_EQ(graph.value(graph.outputs.at(0)).type.text(), "f32:9x1000");
  }
}

TEST(Zoo, OneSeedGivesTheSameBitsAndAnotherDoesNot) {
  const Graph a = make_zoo("squeezenet1.1", 7), b = make_zoo("squeezenet1.1", 7), c = make_zoo("squeezenet1.1", 8);
  bool differs = false;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (!a.values[i].is_constant()) continue;
    const auto &x = a.values[i].constant, &y = b.values[i].constant, &z = c.values[i].constant;
    ASSERT_EQ(std::memcmp(x.raw(), y.raw(), x.bytes()), 0) << a.values[i].name;
    differs |= std::memcmp(x.raw(), z.raw(), x.bytes()) != 0;
  }
  EXPECT_TRUE(differs);
  const Value& weight = a.values.at(1);  // pins the generator itself: files written from a seed stay what they are
  ASSERT_EQ(weight.name, "conv1.weight");
  EXPECT_FLOAT_EQ(weight.constant.data<float>()[0], -0.05868420f);
  EXPECT_FLOAT_EQ(weight.constant.data<float>()[1727], 0.00924872f);
}

TEST(Zoo, WeightsHaveTheVarianceOfHe) {
  const Graph graph = make_zoo("resnet18");
  for (const auto& value : graph.values) {
    if (!value.is_constant() || value.type.shape.rank() != 4) continue;
    const auto& shape = value.type.shape;
    double squares = 0;
    for (const float weight : value.constant.data<float>()) squares += static_cast<double>(weight) * weight;
    const double variance = squares / static_cast<double>(shape.count());
    const double wanted = 2.0 / static_cast<double>(shape[1] * shape[2] * shape[3]);
    EXPECT_NEAR(variance / wanted, 1, 0.05) << value.name;
  }
}

TEST(Zoo, ActivationsNeitherVanishNorExplode) {
  for (const auto name : {"resnet18", "resnet50", "googlenet", "squeezenet1.1", "mobilenet_v2"}) {
    const Graph graph = make_zoo(name);
    Tensor image(DType::f32, Shape{1, 3, 64, 64});  // small pictures pass too: these networks end in a global pooling
    std::mt19937 random(1);
    for (float& pixel : image.data<float>()) pixel = std::normal_distribution<float>()(random);
    const auto see = [&](ValueId id, const Tensor& tensor) {
      double squares = 0;
      for (const float element : tensor.data<float>()) squares += static_cast<double>(element) * element;
      const double power = std::sqrt(squares / static_cast<double>(tensor.count()));
      EXPECT_TRUE(power > 0.05 && power < 20) << name << ", " << graph.value(id).name << ": " << power;
    };
    (void)evaluate(graph, std::vector{image}, see);
  }
}

TEST(Zoo, AnUnknownNameListsTheKnownOnes) {
  try {
    (void)make_zoo("resnet19");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::not_found);
    EXPECT_NE(std::string(error.what()).find("resnet50"), std::string::npos) << error.what();
  }
  EXPECT_THROW((void)make_zoo("resnet18", 1, 0), Error);
}

}  // namespace
}  // namespace halftone
