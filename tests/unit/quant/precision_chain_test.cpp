#include "quant/precision_chain.h"

#include <gtest/gtest.h>

namespace halftone {
namespace {

const std::vector<Precision> kTwo{Precision::int8, Precision::fp32};

Layer layer(const std::string& name, double noise, double int8_seconds, double fp32_seconds) {
  Layer result{name, "Conv", {}, {}, Precision::fp32};
  result.cost[Precision::int8].noise = noise;
  result.seconds = {{Precision::int8, int8_seconds}, {Precision::fp32, fp32_seconds}};
  return result;
}

std::string floats(const PrecisionMap& mix) {
  std::string names;
  for (const auto& [name, precision] : mix)
    if (precision == Precision::fp32) names += name;
  return names;
}

std::vector<std::string> chain_of(const std::vector<Layer>& layers) {
  std::vector<std::string> kept;
  for (const auto& mix : precision_chain(layers, kTwo, fastest_precisions(layers, kTwo))) kept.push_back(floats(mix));
  return kept;
}

TEST(PrecisionChain, StartsAtTheFastestAndEndsWithoutNoise) {
  const std::vector<Layer> layers{layer("a", 1, 1, 3), layer("b", 1, 2, 1.5), layer("c", 2, 1, 2)};
  EXPECT_EQ(floats(fastest_precisions(layers, kTwo)), "b") << "where FP32 is faster there is nothing to choose";
  const auto kept = chain_of(layers);
  EXPECT_EQ(kept.front(), "b");
  EXPECT_EQ(kept.back(), "abc");
}

TEST(PrecisionChain, KeepsTheNoisyAndCheapLayersInFloatFirst) {
  // c makes most of the noise at the least time; b costs more time for less.
  const std::vector<Layer> layers{layer("a", 0.001, 1, 9), layer("b", 0.05, 1, 3), layer("c", 0.949, 1, 1.5)};
  EXPECT_EQ(chain_of(layers), (std::vector<std::string>{"", "c", "bc", "abc"}));
}

TEST(PrecisionChain, PutsLayersBackThatLaterOnesMadeNeedless) {
  // By noise a second the order is a, b, c, d. Half of the noise wants all of a, b and c, and then c alone will do.
  const std::vector<Layer> layers{layer("a", 0.10, 1, 1.1), layer("b", 0.25, 1, 1.3), layer("c", 0.60, 1, 2.0),
                                  layer("d", 0.05, 1, 9.0)};
  EXPECT_EQ(chain_of(layers), (std::vector<std::string>{"", "ab", "c", "ac", "bc", "abc", "abcd"}));
}

TEST(PrecisionChain, LeavesOutWhatAQuieterMixIsNoSlowerThan) {
  const std::vector<Layer> layers{layer("a", 0.5, 1, 2), layer("b", 0.4, 1, 2), layer("c", 0.1, 1, 1)};
  double seconds = 0, noise = 1e9;
  for (const auto& mix : precision_chain(layers, kTwo, fastest_precisions(layers, kTwo))) {
    double total = 0;
    for (const auto& item : layers) total += item.seconds.at(mix.at(item.name));
    EXPECT_GT(total, seconds);
    EXPECT_LT(noise_of(layers, mix), noise);
    seconds = total;
    noise = noise_of(layers, mix);
  }
}

TEST(PrecisionChain, RaisesThroughTheMiddlePrecision) {
  Layer item = layer("a", 1, 1, 4);
  item.cost[Precision::bf16].noise = 0.01;
  item.seconds[Precision::bf16] = 1.5;
  const std::vector<Precision> three{Precision::int8, Precision::bf16, Precision::fp32};
  const auto chain = precision_chain({item}, three, fastest_precisions({item}, three));
  ASSERT_EQ(chain.size(), 3u);
  EXPECT_EQ(chain[1].at("a"), Precision::bf16);
  EXPECT_EQ(chain[2].at("a"), Precision::fp32);
}

}  // namespace
}  // namespace halftone
