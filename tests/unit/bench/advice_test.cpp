#include "bench/advice.h"

#include <gtest/gtest.h>

#include "base/error.h"
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
            "int8 at batch 8: 175 images/s (95 % interval 173 to 177), 3.50 times FP32's best (3.43 to 3.57); larger "
            "batches gain at most 3 % more (batch 32: 180).");
}

TEST(Advice, LatencyTakesTheSmallestMedianAtTheSmallestBatch) {
  const auto advice = advise(samples::two_precisions(), "resnet");
  EXPECT_EQ(about(advice, "latency").text, "int8 at batch 1: 7.69 ms in the median, 8.08 ms at the 99th percentile.");
}

TEST(Advice, ALimitPicksTheLargestThroughputThatKeepsIt) {
  const auto within = about(advise(samples::two_precisions(), "resnet", Slo{"p99", 50}), "latency limit");
  EXPECT_EQ(within.chosen->batch, 8);
  EXPECT_EQ(within.chosen->precision, "int8");
  const auto nothing = about(advise(samples::two_precisions(), "resnet", Slo{"p99", 5}), "latency limit");
  EXPECT_FALSE(nothing.chosen.has_value());
  EXPECT_EQ(nothing.text, "Nothing measured keeps p99 within 5.00 ms; the nearest is int8 at batch 1 with 8.08 ms.");
}

TEST(Advice, AccuracyKeptNamesLossAndNoise) {
  const auto item = about(advise(samples::two_precisions(), "resnet"), "accuracy kept");
  EXPECT_EQ(item.chosen->precision, "int8");
  EXPECT_EQ(item.text,
            "int8 is the fastest that keeps 99 % of FP32's top-1 (509 of 650 images, 78.3 %). int8 answers 504 of 650 "
            "images right (77.5 %), 0.8 points below FP32 (12 lost, 7 gained; within the noise of so many images).");
}

TEST(Advice, APrecisionThatLosesTooMuchIsNotRecommended) {
  auto results = samples::two_precisions();
  for (auto& result : results.results)
    if (result.precision == "int8") result.accuracy = Accuracy{650, 450, 580, Accuracy::Change{500, 70, 11}};
  const auto item = about(advise(results, "resnet"), "accuracy kept");
  EXPECT_EQ(item.chosen->precision, "fp32");
  EXPECT_NE(item.text.find("9.1 points below FP32 (70 lost, 11 gained; more than noise, p = "), std::string::npos)
      << item.text;
}

TEST(Advice, WithoutAccuracyNoPrecisionIsCalledSafe) {
  auto results = samples::two_precisions();
  for (auto& result : results.results) result.accuracy.reset();
  const auto item = about(advise(results, "resnet"), "accuracy kept");
  EXPECT_FALSE(item.chosen.has_value());
}

TEST(Advice, ADifferenceWithinTheIntervalsIsCalledNoise) {
  auto results = samples::two_precisions();
  results.results.push_back(samples::point("bf16", 32, 179));
  EXPECT_NE(about(advise(results, "resnet"), "throughput")
                .text.find("The difference from bf16 at batch 32 (179 images/s) is within the noise."),
            std::string::npos);
}

TEST(Advice, ARatioThatMayBeOneIsNeverQuoted) {
  auto results = samples::two_precisions();
  for (auto& result : results.results) result.ci95 = {0.2 * result.throughput, 5 * result.throughput};
  for (const auto& item : advise(results, "resnet", Slo{"p99", 50})) {
    EXPECT_EQ(item.text.find("times"), std::string::npos) << item.text;
    EXPECT_EQ(item.text.find("% more"), std::string::npos) << item.text;
  }
  EXPECT_NE(about(advise(results, "resnet"), "throughput").text.find("level with FP32's best within the noise"),
            std::string::npos);
  EXPECT_NE(about(advise(results, "resnet"), "accuracy kept").text.find("lead over fp32 is within the noise"),
            std::string::npos);
}

TEST(Advice, EnergyTakesTheMostImagesAJouleOrSaysThatNobodyMeasuredIt) {
  auto results = samples::two_precisions();
  EXPECT_EQ(about(advise(results, "resnet"), "energy").text, "Unavailable: energy was not measured.");
  results.results[1].images_per_joule = 2;
  results.results[4].images_per_joule = 5.5;
  const auto item = about(advise(results, "resnet"), "energy");
  EXPECT_EQ(item.text, "int8 at batch 8: 5.50 images a joule, 175 images/s.");
  EXPECT_EQ(item.chosen->batch, 8);
}

TEST(Advice, AccuracyAtAnyPriceTakesTheMostRightAnswersAndNamesNoise) {
  auto results = samples::two_precisions();
  EXPECT_EQ(
      about(advise(results, "resnet"), "accuracy at any price").text,
      "fp32 answers most images right: 509 of 650 (78.3 %). That int8 answers fewer is within the noise of so many "
      "images.");
  for (auto& result : results.results)
    if (result.precision == "int8") result.accuracy = Accuracy{650, 511, 608, Accuracy::Change{620, 7, 9}};
  EXPECT_EQ(
      about(advise(results, "resnet"), "accuracy at any price").text,
      "int8 answers most images right: 511 of 650 (78.6 %). That it answers more than fp32 is within the noise of "
      "so many images.");
  for (auto& result : results.results)
    if (result.precision == "int8") result.accuracy = Accuracy{650, 509, 608, Accuracy::Change{620, 7, 7}};
  EXPECT_EQ(about(advise(results, "resnet"), "accuracy at any price").text,
            "fp32 answers most images right: 509 of 650 (78.3 %). As many as int8.");
  EXPECT_NE(about(advise(results, "resnet"), "accuracy kept").text.find("(78.3 %), as many as FP32 (7 lost, 7 gained"),
            std::string::npos);
}

TEST(Advice, OfARecordedStudyIsWhatAPersonWouldRead) {
  const auto results = read_results(HALFTONE_SOURCE_DIR "/tests/data/study_results.json");
  ASSERT_EQ(models_of(results), std::vector<std::string>{"resnet50"});
  const auto advice = advise(results, "resnet50", parse_slo("p99=100ms"));
  std::vector<std::string> topics;
  for (const auto& item : advice) topics.push_back(item.topic);
  EXPECT_EQ(topics, (std::vector<std::string>{"throughput", "latency", "latency limit", "energy",
                                              "accuracy at any price", "accuracy kept"}));
  for (const auto* topic : {"throughput", "latency", "latency limit", "accuracy kept"})
    EXPECT_EQ(about(advice, topic).chosen->precision, "int8") << topic;
  EXPECT_LE(about(advice, "latency limit").chosen->latency_ms.p99, 100);
}

TEST(Slo, ReadsPercentilesAndUnits) {
  const auto expect = [](const char* text, const char* percentile, double ms) {
    const auto slo = parse_slo(text);
    EXPECT_EQ(slo.percentile, percentile);
    EXPECT_DOUBLE_EQ(slo.ms, ms);
  };
  expect("p99=15ms", "p99", 15);
  expect("p50=800us", "p50", 0.8);
  expect("p95=1.5s", "p95", 1500);
  expect("p90=7", "p90", 7);
  for (const char* text :
       {"", "p99", "p98=5ms", "p99=", "p99=0ms", "p99=-3ms", "p99=5h", "p99=nan", "p99=5ms ", "15ms"})
    EXPECT_THROW(parse_slo(text), Error) << text;
}

TEST(Slo, LooksAtItsOwnPercentile) {
  const auto point = samples::point("int8", 8, 100);
  EXPECT_EQ((Slo{"p50", 80}.of(point)), point.latency_ms.p50);
  EXPECT_TRUE((Slo{"p50", 80}.kept_by(point)));
  EXPECT_FALSE((Slo{"p90", 80}.kept_by(point)));
}

TEST(Advice, UnknownModelsAndEmptyResultsGiveNone) {
  EXPECT_TRUE(advise(samples::two_precisions(), "other").empty());
  EXPECT_TRUE(advise(Results{}, "resnet").empty());
}

}  // namespace
}  // namespace halftone
