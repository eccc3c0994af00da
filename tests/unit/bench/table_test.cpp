#include "bench/table.h"

#include <gtest/gtest.h>

#include "bench/format.h"
#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

TEST(Format, ThreeSignificantDigits) {
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_number(0.01234), "0.0123");
  EXPECT_EQ(format_number(1.0), "1.00");
  EXPECT_EQ(format_number(9.996), "10.0");
  EXPECT_EQ(format_number(99.96), "100");
  EXPECT_EQ(format_number(183.4), "183");
  EXPECT_EQ(format_number(12345), "12,300");
  EXPECT_EQ(format_number(1234567), "1,230,000");
  EXPECT_EQ(format_number(-1234), "-1,230");
  EXPECT_EQ(format_percent(0.8108), "81.1 %");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(97500000), "97.5 MB");
}

TEST(Table, AlignsTextLeftAndNumbersRight) {
  EXPECT_EQ(text_table({{"name", "rate"}, {"é", "5"}, {"longer", "123"}}),
            "name    rate\n"
            "------------\n"
            "é          5\n"
            "longer   123\n");
}

TEST(Table, ANarrowWindowGetsRecords) {
  const Rows rows{{"name", "rate", "note"}, {"first", "5", ""}, {"second", "123", "good"}};
  EXPECT_EQ(text_table(rows, 15), "name: first\nrate: 5\n\nname: second\nrate: 123\nnote: good\n\n");
  EXPECT_EQ(text_table(rows, 18), text_table(rows));
}

TEST(Table, ResultsLeaveOutColumnsThatSayTheSameEverywhere) {
  EXPECT_EQ(results_table(samples::two_precisions(), "resnet"),
            "precision  batch  images/s  95 % interval            × FP32  p50 ms  p90 ms  p95 ms  p99 ms  knee\n"
            "-------------------------------------------------------------------------------------------------\n"
            "fp32           1      40.0      39.6–40.4                      25.0    25.3    25.5    26.3\n"
            "fp32           8      48.0      47.5–48.5                       167     168     170     175  knee\n"
            "fp32          32      50.0      49.5–50.5                       640     646     653     672\n"
            "int8           1       130        129–131  3.25 (3.19–3.32)    7.69    7.77    7.85    8.08\n"
            "int8           8       175        173–177  3.65 (3.57–3.72)    45.7    46.2    46.6    48.0  knee\n"
            "int8          32       180        178–182  3.60 (3.53–3.67)     178     180     181     187\n");
}

TEST(Table, ANarrowWindowLosesColumnsBeforeRowsFallApart) {
  const auto results = samples::two_precisions();
  EXPECT_EQ(results_table(results, "resnet", 97), results_table(results, "resnet"));
  const auto narrow = results_table(results, "resnet", 90);
  EXPECT_EQ(narrow.find("p95"), std::string::npos);
  EXPECT_NE(narrow.find("p99 ms"), std::string::npos);
  for (const int width : {40, 20, 1}) {
    const auto records = results_table(results, "resnet", width);
    EXPECT_NE(records.find("images/s: 175\n95 % interval: 173–177\n"), std::string::npos) << records;
  }
}

TEST(Table, OtherEnginesStandBesideOursWithTheRatioToTheBest) {
  auto results = samples::two_precisions();
  const auto add = [&](const char* engine, const char* precision, int batch, double rate) {
    results.results.push_back(samples::point(precision, batch, rate));
    results.results.back().engine = engine;
  };
  add("onnxruntime", "int8", 8, 100);
  add("openvino", "int8", 8, 140);
  add("openvino", "fp32", 8, 48.5);
  EXPECT_EQ(peer_rows(results, "resnet"),
            (Rows{{"precision", "batch", "halftone", "onnxruntime", "openvino", "ours / best other"},
                  {"fp32", "8", "48.0", "–", "48.5", "level, 0.99 (0.97–1.01)"},
                  {"int8", "8", "175", "100", "140", "1.25 (1.23–1.28)"}}));
  EXPECT_EQ(peer_summary(results, "resnet"),
            "ours over the best other engine: geometric mean over 2 cells 1.11 (1.10–1.13), smallest 0.99");
  EXPECT_EQ(peer_summary(samples::two_precisions(), "resnet"), "");
}

TEST(Table, AccuracyShowsIntervalsAndChanges) {
  EXPECT_EQ(accuracy_table(samples::two_precisions(), "resnet"),
            "precision  images               top-1               top-5  same as FP32  lost  gained\n"
            "-------------------------------------------------------------------------------------\n"
            "fp32          650  78.3 % (75.0–81.3)  93.8 % (91.7–95.4)\n"
            "int8          650  77.5 % (74.2–80.6)  93.5 % (91.4–95.2)        95.4 %    12       7\n");
  EXPECT_EQ(accuracy_table(Results{}, "resnet"), "");
}

}  // namespace
}  // namespace halftone
