#include <gtest/gtest.h>

#include <cmath>

#include "cpu/cpu_backend.h"
#include "graph/text.h"
#include "quant/float8_noise.h"
#include "quant/float8_plan.h"
#include "quant/product.h"
#include "quant/quantize.h"
#include "quant/recentre.h"
#include "tests/unit/quant/pictures.h"

namespace halftone {
namespace {

using tests::batch_of;
using tests::gray;
using tests::outputs;
using tests::random_pictures;
using tests::snr;

// A stem, two residual blocks, one convolution that pads and one that does not, and a classifier.
constexpr const char* kNetwork = R"(graph network
input x f32:Nx1x8x8
const w0 f32:8x1x3x3 random(1)
const b0 f32:8 random(2)
const w1 f32:8x8x3x3 random(3)
const w2 f32:8x8x1x1 random(4)
const w3 f32:8x8x1x1 random(5)
const b3 f32:8 random(6)
const w4 f32:8x8x1x1 random(7)
const w5 f32:8x8x3x3 random(8)
const w6 f32:8x8x1x1 random(9)
const b6 f32:8 random(10)
const w7 f32:8x8x1x1 random(11)
const w8 f32:5x8 random(12)
const b8 f32:5 random(13)
stem = Conv(x, w0, b0)
r0 = Relu(stem)
p = MaxPool(r0) kernel_shape=2*2 strides=1*2
a = Conv(p, w1) pads=1*4
ra = Relu(a)
c = Conv(ra, w2)
s = Add(c, p)
rs = Relu(s)
d = Conv(rs, w3, b3)
rd = Clip(d) min=0 max=40
e = Conv(rd, w4)
t = Add(rs, e)
rt = Relu(t)
f = Conv(rt, w5) pads=1*4
rf = Relu(f)
h = Conv(rf, w6, b6)
rh = Relu(h)
k = Conv(rh, w7)
g = GlobalAveragePool(k)
v = Flatten(g) axis=1
y = Gemm(v, w8, b8) transB=1
output y
)";

QuantizeOptions float8_options(bool raise_noisy = false) {
  QuantizeOptions options;
  options.fp8 = true;
  options.raise_noisy = raise_noisy;
  options.equalize = false;
  options.threads = 2;
  return options;
}

const Node& node_named(const Graph& graph, const std::string& name) {
  const auto found =
      std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return node.name == name; });
  if (found == graph.nodes.end()) throw std::runtime_error("no node " + name);
  return *found;
}

TEST(Float8Plan, LeavesTheFirstBlockAndTheLastProductInSixteenBits) {
  EXPECT_EQ(sixteen_bit_products(parse_graph(kNetwork)), (std::set<std::string>{"stem", "a", "c", "y"}));
}

TEST(Float8Plan, LeavesAtLeastHalfOfAllProductsInEightBits) {
  EXPECT_EQ(sixteen_bit_products(parse_graph(R"(graph three
input x f32:2x4
const w f32:4x4 random(1)
a = Gemm(x, w)
b = Gemm(a, w)
c = Gemm(b, w)
output c
)")),
            (std::set<std::string>{"a"}));
  EXPECT_TRUE(sixteen_bit_products(parse_graph(R"(graph one
input x f32:2x4
const w f32:4x4 random(1)
a = Gemm(x, w)
output a
)"))
                  .empty());
}

// Six products of 16 to 64 multiplications; c and d read one tensor.
constexpr const char* kSix = R"(graph six
input x f32:1x4
const w f32:4x4 random(1)
const v f32:4x16 random(2)
a = Gemm(x, w)
b = Gemm(a, w)
c = Gemm(b, w)
d = Gemm(b, v)
e = Gemm(d, v) transB=1
s = Add(c, e)
f = Gemm(s, v)
output f
)";

TEST(Float8Noise, RaisesFirstWhatTakesOffMostForItsMultiplications) {
  const Graph graph = parse_graph(kSix);  // 16, 16, 16, 64, 64 and 64: two thirds are 160
  const std::set<std::string> first{"a"};
  // b makes 2 a multiplication, f less than 1 of which there is no room for after c and d, which go together.
  EXPECT_EQ(raise_noisy_products(graph, first, {{"b", 0.03}, {"c", 0.03}, {"d", 0.03}, {"e", 0.01}, {"f", 0.04}}),
            (std::set<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(raise_noisy_products(graph, first, {{"b", 0.01}, {"c", 0.001}, {"d", 0.01}, {"e", 0.02}, {"f", 0.04}}),
            (std::set<std::string>{"a", "b", "e", "f"}));
}

TEST(Float8Noise, RaisesNothingWhereNoneStandsOut) {
  // Each of the twelve makes a twelfth.
  std::string text = "graph even\ninput x0 f32:1x4\nconst w f32:4x4 random(1)\n";
  std::map<std::string, double> even;
  for (int i = 0; i < 12; ++i) {
    text += fmt::format("x{} = Gemm(x{}, w)\n", i + 1, i);
    even[fmt::format("x{}", i + 1)] = 5e-5;
  }
  const Graph graph = parse_graph(text + "output x12\n");
  EXPECT_TRUE(raise_noisy_products(graph, {}, even).empty());
  // With one of twice the noise there is one to raise, and no second.
  even["x5"] = 1e-4;
  EXPECT_EQ(raise_noisy_products(graph, {}, even), std::set<std::string>{"x5"});
  // All together they are too loud: two thirds of the multiplications go.
  for (auto& [name, noise] : even) noise *= 10;
  EXPECT_EQ(raise_noisy_products(graph, {}, even).size(), 8u);
}

TEST(Float8Noise, StopsWhereLittleIsLeft) {
  const Graph graph = parse_graph(kSix);
  const std::map<std::string, double> loud{{"b", 4e-4}, {"c", 8e-5}, {"d", 8e-5}, {"e", 8e-5}, {"f", 8e-5}};
  EXPECT_EQ(raise_noisy_products(graph, {"a"}, loud), (std::set<std::string>{"a", "b"}));
  std::map<std::string, double> quiet = loud;
  for (auto& [name, noise] : quiet) noise *= 0.5;
  EXPECT_EQ(raise_noisy_products(graph, {"a"}, quiet), std::set<std::string>{"a"});
}

TEST(Float8Noise, IsThatOfEachProductAlone) {
  const auto pictures = random_pictures(16, 8, 3);
  auto model = calibrate(parse_graph(kNetwork), make_cpu_backend(), pictures, gray(8), float8_options());
  const Tensor batch = batch_of(pictures, gray(8));
  const auto wanted = outputs(model.graph, batch);
  model.sixteen_bit = {"stem", "a", "c", "y"};
  const auto noise = measure_float8_noise(model, make_cpu_backend(), pictures, gray(8), float8_options());
  ASSERT_EQ(noise.size(), 5u);
  double sum = 0;
  for (const auto& [name, part] : noise) {
    auto others = products_of(model.graph);
    std::erase(others, name);
    const Graph alone = quantize(model, {others.begin(), others.end()}).graph;
    EXPECT_NEAR(-10 * std::log10(part), snr(outputs(alone, batch), wanted), 0.1) << name;
    sum += part;
  }
  EXPECT_NEAR(-10 * std::log10(sum), snr(outputs(quantize(model).graph, batch), wanted), 2);
}

TEST(Float8Noise, MakesPlansQuieter) {
  constexpr const char* kChain = R"(graph chain
input x f32:Nx1x8x8
const wa f32:64x8 random(1)
const wb f32:8x8 random(2)
const wc f32:8x32 random(3)
const wd f32:32x32 random(4)
const we f32:32x32 random(5)
const wf f32:32x32 random(6)
const wy f32:32x5 random(7)
v = Flatten(x) axis=1
a = Gemm(v, wa)
ra = Relu(a)
b = Gemm(ra, wb)
rb = Relu(b)
c = Gemm(rb, wc)
rc = Relu(c)
d = Gemm(rc, wd)
rd = Relu(d)
e = Gemm(rd, we)
re = Relu(e)
f = Gemm(re, wf)
rf = Relu(f)
y = Gemm(rf, wy)
output y
)";
  const auto pictures = random_pictures(24, 8, 3);
  const Graph graph = parse_graph(kChain);
  auto model = calibrate(graph, make_cpu_backend(), pictures, gray(8), float8_options(true));
  const auto before = sixteen_bit_products(graph);
  EXPECT_EQ(before, (std::set<std::string>{"a", "b", "y"}));
  // Of 4,064 multiplications 736 are in 16 bits already: c's 256 and 1,024 more have room.
  EXPECT_EQ(model.sixteen_bit.size(), 5u);
  EXPECT_TRUE(model.sixteen_bit.contains("c"));
  const Tensor batch = batch_of(pictures, gray(8));
  const auto wanted = outputs(graph, batch);
  const double quiet = snr(outputs(quantize(model).graph, batch), wanted);
  model.sixteen_bit = before;
  EXPECT_GT(quiet, snr(outputs(quantize(model).graph, batch), wanted) + 0.4);
}

TEST(Float8Plan, ScalesOfWeightsHaveTheLeastErrorInTheirBinade) {
  // 25 and 27 lie between the numbers 24, 26 and 28 of the format, 1.04 times as much does not.
  const Tensor weights = Tensor::from<float>(Shape{2, 4}, {25, 27, 25, 27, 0, 0, 0, 0});
  const auto fitted = float8_scales(weights, 0);
  const auto error = [&](float scale) {
    double sum = 0;
    for (const float value : weights.data<float>())
      sum += std::pow(static_cast<double>(static_cast<float>(Float8(value / scale)) * scale - value), 2);
    return sum;
  };
  const float scale = fitted.data<float>()[0];
  EXPECT_LT(error(scale), 0.5 * error(1));
  EXPECT_LE(error(scale), error(27.0f / 448));
  EXPECT_GE(scale, 27.0f / 448);
  EXPECT_LT(scale, 2 * 27.0f / 448);
  EXPECT_EQ(fitted.data<float>()[1], 1);
}

TEST(Float8Plan, RoundsBehindThePoolOfAFloatProductOnly) {
  const auto pictures = random_pictures(16, 8, 3);
  const auto model = calibrate(parse_graph(kNetwork), make_cpu_backend(), pictures, gray(8), float8_options());
  const auto plan = quantize(model);
  EXPECT_EQ(plan.products, 5u);
  EXPECT_EQ(plan.graph.metadata.at(kFp16Layers), "a\nc\nstem\ny\n");
  EXPECT_EQ(node_named(plan.graph, "p").op, "MaxPool");
  for (const auto& node : plan.graph.nodes)
    if (node.op == "QuantizeLinear") {
      EXPECT_NE(plan.graph.value(node.inputs[0]).name, "r0");
      EXPECT_NE(plan.graph.value(node.inputs[0]).name, "p");
    }
}

TEST(Float8Plan, NamesBf16WhereValuesAreLargeForFp16) {
  const auto pictures = random_pictures(16, 8, 3);
  auto model = calibrate(parse_graph(kNetwork), make_cpu_backend(), pictures, gray(8), float8_options());
  Range& range = model.ranges.begin()->second;
  for (const auto& large : {Range{0, 5000}, Range{-5000, 1}}) {
    range = large;
    const auto metadata = quantize(model).graph.metadata;
    EXPECT_EQ(metadata.at(kBf16Layers), "a\nc\nstem\ny\n");
    EXPECT_FALSE(metadata.contains(kFp16Layers));
  }
  range = {-4000, 4000};
  EXPECT_FALSE(quantize(model).graph.metadata.contains(kBf16Layers));
}

TEST(Recentre, LeavesTheNetworkWhatItIs) {
  const auto pictures = random_pictures(16, 8, 3);
  const Graph graph = parse_graph(kNetwork);
  const auto model = calibrate(graph, make_cpu_backend(), pictures, gray(8), float8_options());
  EXPECT_EQ(model.recentred, 5u);
  for (const auto* moved : {"rs", "rd", "rt", "rf", "rh"}) {
    const Node& node = node_named(model.graph, moved);
    ASSERT_EQ(node.op, "Clip") << moved;
    const auto low = node.attributes.get_float("min", 0);
    EXPECT_LT(low, 0) << moved;
    const auto& range = model.ranges.at(node.outputs[0]);
    EXPECT_EQ(range.low, static_cast<float>(low)) << moved;
    // Zeros, which a Relu makes many of, must be stored as they are.
    const float scale = activation_scale(range, false, true).scale, stored = range.low / scale;
    EXPECT_NEAR(static_cast<float>(Float8(stored)), stored, 1e-5f * std::abs(stored)) << moved;
  }
  EXPECT_DOUBLE_EQ(node_named(model.graph, "rd").attributes.get_float("max", 0),
                   40 + node_named(model.graph, "rd").attributes.get_float("min", 0));
  const Tensor batch = batch_of(pictures, gray(8));
  EXPECT_GT(snr(outputs(model.graph, batch), outputs(graph, batch)), 100);
}

TEST(Recentre, PadsWithWhatZeroBecame) {
  const auto pictures = random_pictures(16, 8, 3);
  const auto model = calibrate(parse_graph(kNetwork), make_cpu_backend(), pictures, gray(8), float8_options());
  const auto plan = quantize(model).graph;
  const Node& conv = node_named(plan, "f");
  EXPECT_FALSE(conv.attributes.has("pads"));
  const auto producers = plan.producers();
  const auto before = [&](const Node& node) -> const Node& {
    return plan.nodes[static_cast<std::size_t>(producers[static_cast<std::size_t>(node.inputs[0])])];
  };
  const Node& pad = before(conv);
  ASSERT_EQ(pad.op, "Pad");
  EXPECT_EQ(pad.attributes.get_ints("pads"), (std::vector<std::int64_t>{0, 0, 1, 1, 0, 0, 1, 1}));
  const Node& back = before(pad);
  ASSERT_EQ(back.op, "DequantizeLinear");
  EXPECT_EQ(before(back).op, "QuantizeLinear");
  // A number that can be stored, or no kernel could pad with it.
  const float scale = plan.value(back.inputs[1]).constant.data<float>()[0];
  const auto value = static_cast<float>(pad.attributes.get_float("constant_value", 0));
  EXPECT_LT(value, 0);
  EXPECT_EQ(static_cast<float>(Float8(value / scale)) * scale, value);
  EXPECT_NEAR(value, node_named(plan, "rt").attributes.get_float("min", 0), 1e-5 * std::abs(value));
}

TEST(Recentre, LeavesWhatIsPaddedInSixteenBits) {
  CalibratedModel model;
  model.fp8 = true;
  model.graph = parse_graph(R"(graph pair
input x f32:1x4x6x6
const w0 f32:4x4x1x1 random(1)
const w1 f32:4x4x3x3 random(2)
const w2 f32:4x4x1x1 random(3)
a = Conv(x, w0)
r = Relu(a)
b = Conv(r, w1) pads=1*4
c = Conv(r, w2)
output b
output c
)");
  infer_types(model.graph);
  std::map<ValueId, Histogram> histograms;
  const std::vector<float> values{0, 0.25f, 0.5f, 1, 2, 3, 4};
  for (const auto& group : values_to_quantize(model.graph))
    for (const auto id : group) {
      histograms[id].add(values);
      model.ranges[id] = {0, 4};
    }
  histograms[model.graph.inputs[0]].add(std::vector<float>{-4});
  const auto moved = [&](const std::set<std::string>& sixteen_bit, bool move_padded) {
    CalibratedModel copy = model;
    copy.sixteen_bit = sixteen_bit;
    return recentre(copy, histograms, move_padded);
  };
  EXPECT_EQ(moved({}, true), 1u);
  EXPECT_EQ(moved({"c"}, true), 1u);
  EXPECT_EQ(moved({"b"}, true), 0u);
  EXPECT_EQ(moved({}, false), 0u);
}

TEST(Recentre, LosesLess) {
  const auto pictures = random_pictures(24, 8, 3);
  const Graph graph = parse_graph(kNetwork);
  auto model = calibrate(graph, make_cpu_backend(), pictures, gray(8), float8_options());
  const Tensor batch = batch_of(pictures, gray(8));
  const auto wanted = outputs(graph, batch);
  const double moved = snr(outputs(quantize(model).graph, batch), wanted);
  // The same ranges for the network as it was.
  Graph plain = graph;
  std::map<ValueId, Range> ranges;
  infer_types(plain);
  std::map<ValueId, Histogram> seen;
  Graph at_batch = plain;
  set_batch(at_batch, batch.shape()[0]);
  evaluate(at_batch, std::span<const Tensor>(&batch, 1), [&](ValueId id, const Tensor& tensor) {
    if (tensor.dtype() == DType::f32) seen[id].add(tensor.data<float>());
  });
  for (const auto& group : values_to_quantize(plain, model.sixteen_bit))
    for (const auto id : group) ranges[id] = {seen[id].low(), seen[id].high()};
  insert_qdq(plain, ranges, false, model.sixteen_bit, true, model.weights);
  infer_types(plain);
  EXPECT_GT(moved, snr(outputs(plain, batch), wanted) + 1.5);
}

}  // namespace
}  // namespace halftone
