#include "quant/mixed_precision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cpu/cpu_backend.h"
#include "engine/session.h"
#include "graph/text.h"
#include "tests/unit/quant/pictures.h"

namespace halftone {
namespace {

using tests::gray;
using tests::random_pictures;

TEST(PairedDrop, GivesThePublishedIntervalOfPairedProportions) {
  // Agresti and Min's adjusted interval by hand for n = 100, lost 6, gained 2: the difference is 4 / 102, its deviation
  // sqrt((9 / 102 - (4 / 102)^2) / 102) = 0.029152, so a limit 1.645 deviations above it holds with 95 %.
  const PairedDrop drop{100, 6, 2};
  EXPECT_DOUBLE_EQ(drop.points(), 4);
  EXPECT_NEAR(drop.confidence(100 * (4.0 / 102 + 1.644854 * 0.029152)), 0.95, 1e-4);
  EXPECT_NEAR(drop.confidence(100 * 4.0 / 102), 0.5, 1e-9);
  EXPECT_LT(drop.confidence(1), drop.confidence(2));
}

TEST(PairedDrop, MoreImagesMakeItSurer) {
  EXPECT_GT((PairedDrop{6500, 50, 50}.confidence(0.5)), (PairedDrop{650, 5, 5}.confidence(0.5)));
  EXPECT_EQ((PairedDrop{650, 0, 0, true}.confidence(0)), 1);
  EXPECT_LT((PairedDrop{650, 0, 0, false}.confidence(0)), 1);
}

constexpr const char* kFragile = R"(graph fragile
input x f32:Nx1x8x8
const w1 f32:8x1x3x3 random(1)
const w2 f32:8x8x3x3 random(2)
const w3 f32:8x8x1x1 random(3)
const w4 f32:4x128 random(4)
a = Conv(x, w1)
c = Conv(a, w2)
d = Conv(c, w3)
f = Flatten(d) axis=1
y = Gemm(f, w4) transB=1
output y
)";

/// Layer c's weights for input channel 0, which is always 0, are so large that its other weights round to nothing.
Graph fragile() {
  Graph graph = parse_graph(kFragile);
  for (auto& value : graph.values) {
    if (value.name != "w1" && value.name != "w2") continue;
    value.constant = value.constant.clone();
    auto weights = value.constant.data<float>();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (value.name == "w1") weights[i] *= i < 9 ? 0.0f : 1.0f;
      else weights[i] *= i % 72 < 9 ? 100.0f : 0.1f;
    }
  }
  return graph;
}

MixOptions options() {
  MixOptions result;
  result.build.batches = {8};
  result.build.threads = 2;
  result.build.tune = false;
  result.build.cache.clear();
  result.sensitivity_images = 32;
  return result;
}

/// The pictures with the network's own answers as labels, so that FP32 is always right.
Dataset labelled(const Graph& graph, const std::shared_ptr<Backend>& backend, std::int64_t count) {
  const auto pictures = random_pictures(count, 8, 7);
  const auto answers = evaluate_accuracy(build(graph, backend, options().build), pictures, gray(8)).predictions;
  Tensor pixels(DType::u8, Shape{count, 8, 8});
  std::mt19937 random(7);
  for (auto& pixel : pixels.data<std::uint8_t>()) pixel = static_cast<std::uint8_t>(random() & 255);
  std::vector<DatasetItem> items;
  for (std::size_t i = 0; i < answers.size(); ++i)
    items.push_back({"picture " + std::to_string(i), answers[i], static_cast<std::int64_t>(i)});
  return Dataset("labelled pictures", items, {}, pixels);
}

class Mixing : public ::testing::Test {
 protected:
  std::shared_ptr<Backend> backend = make_cpu_backend();
  Graph graph = fragile();
  Dataset data = labelled(graph, backend, 200);
  Dataset calibration = random_pictures(48, 8, 8);
  CalibratedModel model = calibrate(graph, backend, calibration, gray(8), {.equalize = false});
};

TEST_F(Mixing, SensitivityFindsTheFragileLayer) {
  std::vector<Layer> layers;
  for (const auto* name : {"a", "c", "d", "y"}) layers.push_back({name, "Conv", {}, {}, Precision::fp32});
  SensitivityOptions sensitivity;
  sensitivity.precisions = {Precision::int8};
  sensitivity.build = options().build;
  measure_sensitivity(model, backend, data, gray(8), sensitivity, layers);
  for (const auto& layer : layers)
    if (layer.name != "c") {
      EXPECT_GT(layer.cost.at(Precision::int8).snr(), layers[1].cost.at(Precision::int8).snr()) << layer.name;
    }
  EXPECT_GT(layers[1].cost.at(Precision::int8).changed, 0);
}

TEST_F(Mixing, KeepsTheFragileLayerInFloatAndTheLimit) {
  auto wanted = options();
  wanted.max_drop = 4;
  wanted.confidence = 0.8;
  const auto mixed = choose_precisions(model, backend, data, calibration, gray(8), wanted);
  EXPECT_EQ(mixed.baseline.top1, 200);
  EXPECT_LE(mixed.chosen().drop.points(), 4);
  EXPECT_GE(mixed.chosen().confidence, 0.8);
  EXPECT_GE(mixed.chosen().layers.at(Precision::int8), 1u);
  EXPECT_LT(mixed.tried.front().confidence, 0.8) << "int8 throughout would have done";
  for (const auto& layer : mixed.layers)
    if (layer.name == "c") {
      EXPECT_EQ(layer.chosen, Precision::fp32);
    }
  const auto again = choose_precisions(model, backend, data, calibration, gray(8), wanted);
  for (std::size_t i = 0; i < mixed.layers.size(); ++i) EXPECT_EQ(mixed.layers[i].chosen, again.layers[i].chosen);
  EXPECT_EQ(print(mixed.graph), print(again.graph));
}

TEST_F(Mixing, ANoDropAtAllIsFp32) {
  auto wanted = options();
  wanted.max_drop = 0;
  wanted.confidence = 0.99;
  const auto mixed = choose_precisions(model, backend, data, calibration, gray(8), wanted);
  EXPECT_EQ(mixed.chosen().layers.at(Precision::fp32), 4u);
  EXPECT_EQ(mixed.chosen().text(), "0 layers in int8 and 4 in fp32");
  EXPECT_EQ(mixed.evaluation.predictions, mixed.baseline.predictions);
}

TEST_F(Mixing, SaysTheNearestWhereNoMixWillDo) {
  auto wanted = options();
  wanted.max_drop = -3;
  try {
    choose_precisions(model, backend, data, calibration, gray(8), wanted);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
    EXPECT_NE(std::string(error.what()).find("the nearest"), std::string::npos) << error.what();
  }
  wanted.max_drop = 1;
  EXPECT_THROW(choose_precisions(model, backend, random_pictures(0, 8, 1), calibration, gray(8), wanted), Error);
}

TEST_F(Mixing, RunsTheNamedLayersInBf16) {
  const auto mixed = mixed_graph(model, {{"a", Precision::int8}, {"d", Precision::bf16}});
  const auto engine = build(mixed, backend, options().build);
  std::map<std::string, DType> types;
  for (const auto& step : engine->program(8).steps)
    if (step.problem.op == "FusedConv") types[step.node] = step.problem.input(0).dtype;
  const std::map<std::string, DType> expected{
      {"a", DType::u8}, {"c", DType::f32}, {"d", DType::bf16}, {"y", DType::f32}};
  EXPECT_EQ(types, expected);
}

TEST_F(Mixing, ChoosesAmongEightBitFloatsAndNamesThem) {
  QuantizeOptions float8{.fp8 = true, .equalize = false};
  const auto floats = calibrate(graph, backend, calibration, gray(8), float8);
  EXPECT_FALSE(floats.sixteen_bit.empty());
  auto wanted = options();
  wanted.precisions = {Precision::fp8, Precision::bf16, Precision::fp32};
  wanted.max_drop = 100;
  const auto lowest = choose_precisions(floats, backend, data, calibration, gray(8), wanted);
  EXPECT_EQ(lowest.lowest(), Precision::fp8);
  EXPECT_EQ(lowest.chosen().text(), "4 layers in fp8, 0 in bf16 and 0 in fp32");
  EXPECT_FALSE(lowest.graph.metadata.contains(kBf16Layers)) << "it chooses the layers in 16 bits, too";
  for (const auto& layer : lowest.layers) EXPECT_GT(layer.cost.at(Precision::fp8).noise, 0) << layer.name;
  wanted.max_drop = 2;
  wanted.confidence = 0.8;
  const auto mixed = choose_precisions(floats, backend, data, calibration, gray(8), wanted);
  EXPECT_LT(mixed.tried.front().confidence, 0.8) << "fp8 throughout would have done";
  EXPECT_GE(mixed.chosen().confidence, 0.8);
  std::string bf16;
  for (const auto& layer : mixed.layers)
    if (layer.chosen == Precision::bf16) bf16 += layer.name + "\n";
  EXPECT_FALSE(bf16.empty());
  EXPECT_EQ(mixed.graph.metadata.at(kBf16Layers), bf16);
  wanted.max_drop = -3;
  try {
    choose_precisions(floats, backend, data, calibration, gray(8), wanted);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(" in fp8, "), std::string::npos) << error.what();
  }
}

TEST_F(Mixing, NamesProductsInFp16) {
  const auto mixed = mixed_graph(model, {{"c", Precision::int8}, {"d", Precision::fp16}});
  EXPECT_EQ(mixed.metadata.at(kFp16Layers), "d\n");
  EXPECT_FALSE(mixed.metadata.contains(kBf16Layers));
}

}  // namespace
}  // namespace halftone
