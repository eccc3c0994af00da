#include "bench/advice.h"

#include <gtest/gtest.h>

#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

Advice about(const std::vector<Advice>& advice, const std::string& topic) {
  for (const auto& item : advice)
    if (item.topic == topic) return item;
  ADD_FAILURE() << "no advice about " << topic;
  return {};
}

TEST(Advice, ThroughputTakesTheKneeOfTheFastestSweep) {
  const auto advice = advise(samples::two_precisions(), "resnet");
  const auto item = about(advice, "throughput");
  EXPECT_EQ(item.chosen->precision, "int8");
  EXPECT_EQ(item.chosen->batch, 8);
  EXPECT_EQ(item.text,
            "int8 at batch 8: 175 images/s (95 % interval 173 to 177), 3.50 times FP32's best; larger batches gain at "
            "most 3 % more (batch 32: 180).");
}

TEST(Advice, LatencyTakesTheSmallestMedianAtTheSmallestBatch) {
  const auto advice = advise(samples::two_precisions(), "resnet");
  EXPECT_EQ(about(advice, "latency").text, "int8 at batch 1: 7.69 ms in the median, 8.08 ms at the 99th percentile.");
}

TEST(Advice, ALimitPicksTheLargestThroughputThatKeepsIt) {
  const auto within = about(advise(samples::two_precisions(), "resnet", 50), "latency limit");
  EXPECT_EQ(within.chosen->batch, 8);
  EXPECT_EQ(within.chosen->precision, "int8");
  const auto nothing = about(advise(samples::two_precisions(), "resnet", 5), "latency limit");
  EXPECT_FALSE(nothing.chosen.has_value());
  EXPECT_EQ(nothing.text, "Nothing measured keeps p99 within 5.00 ms; the nearest is int8 at batch 1 with 8.08 ms.");
}

TEST(Advice, AccuracyKeptNamesLossAndNoise) {
  const auto item = about(advise(samples::two_precisions(), "resnet"), "accuracy");
  EXPECT_EQ(item.chosen->precision, "int8");
  EXPECT_EQ(item.text,
            "int8 is the fastest that keeps 99 % of FP32's top-1 (509 of 650 images, 78.3 %). int8 answers 504 of 650 "
            "images right (77.5 %), 0.8 points below FP32 (12 lost, 7 gained; within the noise of so many images).");
}

TEST(Advice, APrecisionThatLosesTooMuchIsNotRecommended) {
  auto results = samples::two_precisions();
  for (auto& result : results.results)
    if (result.precision == "int8") result.accuracy = Accuracy{650, 450, 580, Accuracy::Change{500, 70, 11}};
  const auto item = about(advise(results, "resnet"), "accuracy");
  EXPECT_EQ(item.chosen->precision, "fp32");
  EXPECT_NE(item.text.find("9.1 points below FP32 (70 lost, 11 gained; more than noise, p = "), std::string::npos)
      << item.text;
}

TEST(Advice, WithoutAccuracyNoPrecisionIsCalledSafe) {
  auto results = samples::two_precisions();
  for (auto& result : results.results) result.accuracy.reset();
  const auto item = about(advise(results, "resnet"), "accuracy");
  EXPECT_FALSE(item.chosen.has_value());
}

TEST(Advice, ADifferenceWithinTheIntervalsIsCalledNoise) {
  auto results = samples::two_precisions();
  results.results.push_back(samples::point("bf16", 32, 179));
  EXPECT_NE(about(advise(results, "resnet"), "throughput")
                .text.find("The difference from bf16 at batch 32 (179 images/s) is within the noise."),
            std::string::npos);
}

TEST(Advice, UnknownModelsAndEmptyResultsGiveNone) {
  EXPECT_TRUE(advise(samples::two_precisions(), "other").empty());
  EXPECT_TRUE(advise(Results{}, "resnet").empty());
}

}  // namespace
}  // namespace halftone
