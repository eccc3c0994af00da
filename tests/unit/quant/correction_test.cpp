#include <gtest/gtest.h>

#include <cmath>

#include "cpu/cpu_backend.h"
#include "graph/text.h"
#include "quant/bias_correction.h"
#include "quant/equalize.h"
#include "quant/quantize.h"
#include "tests/unit/quant/pictures.h"

namespace halftone {
namespace {

using tests::batch_of;
using tests::gray;
using tests::outputs;
using tests::random_pictures;
using tests::snr;

// The second layer's weights have one large entry a channel, which makes the step of all others coarse.
constexpr const char* kCoarse = R"(graph coarse
input x f32:Nx1x8x8
const w1 f32:6x1x3x3 random(1)
const b1 f32:6 random(2)
const w2 f32:4x6x1x1 [40 .1 .1 .1 .1 .1 .1 40 .1 .1 .1 .1 .1 .1 40 .1 .1 .1 .1 .1 .1 40 .1 .1]
const w3 f32:5x4 random(4)
a = Conv(x, w1, b1)
r = Relu(a)
c = Conv(r, w2)
g = GlobalAveragePool(c)
f = Flatten(g) axis=1
y = Gemm(f, w3) transB=1
output y
)";

/// The mean over images of what is added to each of `channels` outputs.
std::vector<double> mean_error(const std::vector<float>& got, const std::vector<float>& wanted, std::size_t channels) {
  std::vector<double> error(channels, 0);
  for (std::size_t i = 0; i < got.size(); ++i)
    error[i % channels] += static_cast<double>(got[i]) - static_cast<double>(wanted[i]);
  for (auto& value : error) value /= static_cast<double>(got.size() / channels);
  return error;
}

QuantizeOptions plain_options() {
  QuantizeOptions options;
  options.calibrator = Calibrator::minmax;
  options.equalize = false;
  options.correct_bias = false;
  options.threads = 2;
  return options;
}

TEST(BiasCorrection, TakesOffWhatRoundingAddsOnAverage) {
  const Graph graph = parse_graph(kCoarse);
  const auto pictures = random_pictures(24, 8, 3);
  const auto backend = make_cpu_backend();
  const Tensor batch = batch_of(pictures, gray(8));
  const auto wanted = outputs(graph, batch);
  std::vector<double> largest;
  for (const bool correct : {false, true}) {
    auto options = plain_options();
    options.correct_bias = correct;
    const auto model = calibrate(graph, backend, pictures, gray(8), options);
    EXPECT_EQ(model.bias_errors.size(), correct ? 3u : 0u);
    double worst = 0;
    for (const double error : mean_error(outputs(quantize(model).graph, batch), wanted, 5))
      worst = std::max(worst, std::abs(error));
    largest.push_back(worst);
  }
  EXPECT_LT(largest[1], 0.2 * largest[0]);
}

TEST(BiasCorrection, GivesABiasToWhatHadNoneAndLeavesFloatLayersAlone) {
  Graph graph = parse_graph(kCoarse);
  const std::map<std::string, std::vector<float>> errors{{"c", {1, 2, 3, 4}}, {"a", {1, 1, 1, 1, 1, 1}}};
  correct_biases(graph, errors, {"a"});
  for (const auto& node : graph.nodes) {
    if (node.name == "c") {
      ASSERT_EQ(node.inputs.size(), 3u);
      const auto bias = graph.value(node.inputs[2]).constant.to_doubles();
      EXPECT_EQ(bias, (std::vector<double>{-1, -2, -3, -4}));
    }
    if (node.name == "a") {
      EXPECT_EQ(graph.value(node.inputs[2]).name, "b1");
    }
  }
}

// Channels of the first layer differ by a factor of a thousand; the depthwise layer undoes it.
constexpr const char* kUneven = R"(graph uneven
input x f32:Nx1x8x8
const w1 f32:4x1x3x3 random(1)
const s1 f32:4x1x1x1 [1 30 .1 100]
const w2 f32:4x1x3x3 random(2)
const s2 f32:4x1x1x1 [1 .033 10 .01]
const w3 f32:4x4x1x1 random(3)
const w4 f32:4x4 random(4)
const u1 f32:4x1x3x3 zeros
p1 = Mul(w1, s1)
p2 = Mul(w2, s2)
a = Conv(x, p1)
r = Relu(a)
d = Conv(r, p2) group=4
t = Relu(d)
c = Conv(t, w3)
g = GlobalAveragePool(c)
f = Flatten(g) axis=1
y = Gemm(f, w4) transB=1
output y
)";

Graph folded(std::string_view text) {
  Graph graph = parse_graph(text);
  fold_constants(graph);
  graph.compact();
  infer_types(graph);
  return graph;
}

TEST(Equalize, RescalingLeavesTheOutputsAlone) {
  Graph graph = folded(kUneven);
  const auto pictures = random_pictures(4, 8, 5);
  const Tensor batch = batch_of(pictures, gray(8));
  const auto before = outputs(graph, batch);
  std::vector<std::string> names;
  for (const auto id : values_to_equalize(graph)) names.push_back(graph.value(id).name);
  EXPECT_EQ(names, (std::vector<std::string>{"r", "t"}));
  for (const auto id : values_to_equalize(graph)) rescale_channels(graph, id, {0.5f, 3, 1, 7});
  infer_types(graph);
  EXPECT_GT(snr(outputs(graph, batch), before), 100);
}

TEST(Equalize, SavesADepthwiseNetworkWithUnevenChannels) {
  const Graph graph = folded(kUneven);
  const auto pictures = random_pictures(24, 8, 6);
  const auto backend = make_cpu_backend();
  const Tensor batch = batch_of(pictures, gray(8));
  const auto wanted = outputs(graph, batch);
  std::vector<double> decibels;
  for (const bool equalize : {false, true}) {
    auto options = plain_options();
    options.equalize = equalize;
    const auto model = calibrate(graph, backend, pictures, gray(8), options);
    EXPECT_EQ(model.equalized > 0, equalize);
    decibels.push_back(snr(outputs(quantize(model).graph, batch), wanted));
  }
  EXPECT_GT(decibels[1], decibels[0] + 6);
}

TEST(Calibrate, NamesTheLayerWhoseOutputIsNotFinite) {
  Graph graph = parse_graph(R"(graph overflow
input x f32:Nx1x8x8
const w1 f32:2x1x3x3 full(3e38)
const w2 f32:2x2x1x1 random(1)
a = Conv(x, w1)
c = Conv(a, w2)
output c
)");
  try {
    calibrate(graph, make_cpu_backend(), random_pictures(4, 8, 1), gray(8), plain_options());
    FAIL() << "infinities went unnoticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid_model);
    EXPECT_NE(std::string(error.what()).find("node 'a' (Conv)"), std::string::npos) << error.what();
  }
}

TEST(Calibrate, WarnsOfImagesThatAreAllBlackOrAllTheSame) {
  const Graph graph = parse_graph(kCoarse);
  const auto pictures = [](std::uint8_t value, bool varied) {
    Tensor pixels(DType::u8, Shape{4, 8, 8});
    std::size_t at = 0;
    for (auto& pixel : pixels.data<std::uint8_t>()) pixel = varied ? static_cast<std::uint8_t>(at++ / 64 * 50) : value;
    std::vector<DatasetItem> items;
    for (std::int64_t i = 0; i < 4; ++i) items.push_back({"p" + std::to_string(i), std::nullopt, i});
    return Dataset("set", items, {}, pixels);
  };
  const auto warnings = [&](const Dataset& images) {
    return calibrate(graph, make_cpu_backend(), images, gray(8), plain_options()).warnings;
  };
  EXPECT_EQ(warnings(pictures(0, false)).front(), "set: all of 4 calibration images are black, the first is p0");
  EXPECT_EQ(warnings(pictures(9, false)).front(), "set: all 4 calibration images are the same as p0");
  EXPECT_EQ(warnings(pictures(0, true)).front(), "set: 1 of 4 calibration images is black, the first is p0");
  EXPECT_TRUE(warnings(random_pictures(4, 8, 2)).empty());
}

}  // namespace
}  // namespace halftone
