#include "quant/weight_rounding.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "cpu/cpu_backend.h"
#include "graph/text.h"
#include "quant/float8_plan.h"
#include "quant/gram.h"
#include "tests/unit/quant/pictures.h"

namespace halftone {
namespace {

using tests::batch_of;
using tests::gray;
using tests::outputs;
using tests::random_pictures;
using tests::snr;

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(count);
  for (auto& value : values) value = distribution(random);
  return values;
}

/// Rows of n numbers that are mixtures of a third as many, and a little of their own.
std::vector<float> correlated(std::size_t rows, std::size_t n, unsigned seed) {
  const auto mixture = normal(n * (n / 3), 99), own = normal(rows * n, seed + 1), parts = normal(rows * (n / 3), seed);
  std::vector<float> result(rows * n);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < n; ++i) {
      result[r * n + i] = 0.1f * own[r * n + i];
      for (std::size_t k = 0; k < n / 3; ++k) result[r * n + i] += parts[r * (n / 3) + k] * mixture[i * (n / 3) + k];
    }
  return result;
}

/// Of numbers whose mean is 0.
Covariance covariance_of(const std::vector<float>& rows, std::size_t n) {
  Covariance result{n, rows.size() / n, std::vector<float>(n * n)};
  add_gram(result.values.data(), n, rows.data(), n, result.samples, n, 1 / static_cast<float>(result.samples));
  mirror(result.values, n);
  return result;
}

/// What rounding makes of the sums over the rows, dB below the sums.
double sums_snr(const std::vector<float>& rounded, const std::vector<float>& weights, const std::vector<float>& rows,
                std::size_t n) {
  double signal = 0, noise = 0;
  for (std::size_t r = 0; r < rows.size() / n; ++r)
    for (std::size_t o = 0; o < weights.size() / n; ++o) {
      double sum = 0, off = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const auto x = static_cast<double>(rows[r * n + i]);
        sum += x * static_cast<double>(weights[o * n + i]);
        off += x * static_cast<double>(rounded[o * n + i] - weights[o * n + i]);
      }
      signal += sum * sum, noise += off * off;
    }
  return 10 * std::log10(signal / noise);
}

std::vector<float> nearest(std::vector<float> weights) {
  for (auto& weight : weights) weight = static_cast<float>(Float8(weight));
  return weights;
}

TEST(Gram, AddsProductsOfRows) {
  for (const std::size_t n : {1, 5, 24, 61, 130}) {
    const std::size_t rows = 150;
    const auto values = normal(rows * (n + 3), 5);
    std::vector<float> sums(n * n, 1);
    add_gram(sums.data(), n, values.data(), n + 3, rows, n, -2);
    mirror(sums, n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t r = 0; r < rows; ++r)
          sum += static_cast<double>(values[r * (n + 3) + i]) * static_cast<double>(values[r * (n + 3) + j]);
        ASSERT_NEAR(sums[i * n + j], 1 - 2 * sum, 2e-3) << n << ": " << i << ", " << j;
      }
  }
}

TEST(Gram, CholeskyIsARoot) {
  for (const std::size_t n : {1, 40, 96, 97, 250}) {
    const auto matrix = covariance_of(correlated(4 * n, n + 2, 3), n + 2);
    const std::size_t m = n + 2;
    const auto root = cholesky(matrix.values, m);
    ASSERT_EQ(root.size(), m * m);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k <= std::min(i, j); ++k)
          sum += static_cast<double>(root[k * m + i]) * static_cast<double>(root[k * m + j]);
        ASSERT_NEAR(sum, matrix.values[i * m + j], 1e-4 * static_cast<double>(m)) << m << ": " << i << ", " << j;
        ASSERT_EQ(root[i * m + j], root[j * m + i]);
      }
  }
  EXPECT_TRUE(cholesky({1, 2, 2, 1}, 2).empty());
}

/// How many dB of noise, on rows not seen, rounding by the covariance of some takes off rounding to the nearest.
double gain_of(std::size_t samples) {
  constexpr std::size_t kN = 60, kRows = 20;
  const auto weights = normal(kRows * kN, 1);
  auto rounded = weights;
  round_rows(rounded, std::vector<float>(kRows, 1), covariance_of(correlated(samples, kN, 10), kN));
  EXPECT_EQ(nearest(rounded), rounded);
  const auto unseen = correlated(500, kN, 20);
  return sums_snr(rounded, weights, unseen, kN) - sums_snr(nearest(weights), weights, unseen, kN);
}

TEST(WeightRounding, TakesErrorsOffOneAnother) { EXPECT_GT(gain_of(3000), 4); }

TEST(WeightRounding, SeesNoMoreInFewSamplesThanThereIs) { EXPECT_GT(gain_of(10), 0); }

TEST(WeightRounding, IsToTheNearestWhereNothingIsCorrelated) {
  constexpr std::size_t kN = 30;
  const auto weights = normal(4 * kN, 1);
  for (const float variance : {1.0f, 0.0f}) {
    Covariance covariance{kN, 1000, std::vector<float>(kN * kN, 0)};
    for (std::size_t i = 0; i < kN; ++i) covariance.values[i * kN + i] = variance * static_cast<float>(i % 7);
    auto rounded = weights;
    round_rows(rounded, std::vector<float>(4, 1), covariance);
    EXPECT_EQ(rounded, nearest(weights));
  }
}

// A convolution of each kind, whose inputs are smooth and therefore correlated, and the other products.
constexpr const char* kEveryProduct = R"(graph network
input x f32:Nx1x12x12
const ws f32:6x1x5x5 random(1)
const w1 f32:8x6x3x3 random(2)
const wd f32:8x1x3x3 random(3)
const w2 f32:4x4x1x1 random(4)
const w3 f32:4x7 random(5)
const w4 f32:5x7 random(6)
s = Conv(x, ws) pads=2*4
a = Conv(s, w1) pads=1*4 strides=2*2
d = Conv(a, wd) pads=1*4 group=8
g = Conv(d, w2) group=2
v = GlobalAveragePool(g)
f = Flatten(v) axis=1
m = MatMul(f, w3)
y = Gemm(m, w4) transB=1
output y
)";

TEST(WeightRounding, HoldsForEveryKindOfProduct) {
  const auto pictures = random_pictures(64, 12, 3);
  Graph graph = parse_graph(kEveryProduct);
  infer_types(graph);
  QuantizeOptions options;
  options.fp8 = true;
  options.threads = 2;
  std::size_t told = 0;
  options.progress = [&](const std::string& stage, std::size_t done, std::size_t total) {
    if (stage != "round weights") return;
    EXPECT_EQ(total, 6u);
    told = done;
  };
  const auto chosen = round_weights(graph, make_cpu_backend(), pictures, gray(12), options);
  EXPECT_EQ(chosen.size(), 6u);
  EXPECT_EQ(told, 6u);
  const auto unseen = batch_of(random_pictures(32, 12, 4), gray(12));
  const auto wanted = outputs(graph, unseen);
  // Each product alone, since errors of others are not its own. Means are for biases to correct.
  const auto noise = [&](const std::string& name, bool fitted) {
    Graph changed = graph;
    for (auto& node : changed.nodes) {
      if (node.name != name) continue;
      const std::size_t axis = channel_axis(node);
      const auto weights =
          fitted ? chosen.at(name) : quantize_weights(graph.value(node.inputs[1]).constant, axis, true);
      EXPECT_EQ(weights.data.shape(), graph.value(node.inputs[1]).constant.shape());
      node.inputs[1] = changed.add_constant("rounded", dequantize_weights(weights, axis));
      changed.outputs = {node.outputs[0]};
    }
    Graph plain = graph;
    plain.outputs = changed.outputs;
    changed.compact();
    return std::pair(outputs(changed, unseen), outputs(plain, unseen));
  };
  double better = 0;
  for (const auto& [name, weights] : chosen) {
    const auto [fitted, right] = noise(name, true);
    const double gain = snr(fitted, right) - snr(noise(name, false).first, right);
    EXPECT_GT(gain, -0.5) << name;
    better += gain / static_cast<double>(chosen.size());
  }
  EXPECT_GT(better, 1);
}

TEST(WeightRounding, IsPartOfFloat8Plans) {
  const auto pictures = random_pictures(64, 12, 3);
  const Graph graph = parse_graph(kEveryProduct);
  QuantizeOptions options;
  options.fp8 = true;
  options.raise_noisy = false;
  options.threads = 2;
  const auto unseen = batch_of(random_pictures(32, 12, 4), gray(12));
  const auto wanted = outputs(graph, unseen);
  const auto plan_snr = [&](bool fit) {
    options.fit_weights = fit;
    auto model = calibrate(graph, make_cpu_backend(), pictures, gray(12), options);
    EXPECT_EQ(model.weights.empty(), !fit);
    model.sixteen_bit = {};
    return snr(outputs(quantize(model).graph, unseen), wanted);
  };
  EXPECT_GT(plan_snr(true), plan_snr(false));
}

}  // namespace
}  // namespace halftone
