#include "bench/compare.h"

#include <gtest/gtest.h>

#include "bench/device_rows.h"
#include "bench/report.h"
#include "bench/rows.h"
#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

Results machine(const char* name, std::vector<std::pair<int, double>> rates, const char* precision = "int8") {
  Results results;
  results.machine.name = name;
  results.machine.cores = 2;
  for (const auto& [batch, rate] : rates) results.results.push_back(samples::point(precision, batch, rate));
  return results;
}

Study of(std::vector<Results> files) { return study_of(files); }

TEST(Compare, MachinesBecomeDevicesWithShortNames) {
  const auto study = of({machine("Intel(R) Xeon(R) Platinum 8480+ CPU @ 2.00GHz", {{1, 10}}),
                         machine("AMD EPYC 9575F 64-Core Processor", {{1, 10}}),
                         machine("AMD EPYC 9575F 64-Core Processor", {{1, 10}})});
  EXPECT_EQ(study.devices,
            (std::vector<std::string>{"Intel Xeon Platinum 8480+", "AMD EPYC 9575F", "AMD EPYC 9575F (2)"}));
  EXPECT_EQ(study.machines.size(), 3u);
  EXPECT_EQ(of({machine("Any", {{1, 10}})}).devices, std::vector<std::string>{"cpu"});
  auto both = machine("Any", {{1, 10}, {2, 20}});
  both.results[1].device = "cuda:0";
  EXPECT_EQ(of({both, machine("Other", {{1, 5}})}).devices,
            (std::vector<std::string>{"Any cpu", "Any cuda:0", "Other"}));
}

TEST(Compare, SaysFromWhichBatchADeviceIsTheBetterOne) {
  const auto study = of({machine("A", {{1, 100}, {2, 105}, {4, 110}, {8, 110}, {16, 110}}),
                         machine("B", {{1, 50}, {2, 80}, {4, 110.5}, {8, 200}, {16, 300}})});
  EXPECT_EQ(
      device_sentences(study),
      (std::vector<std::string>{"resnet int8: batch 1 to 2: A (2.00 times B; 1.31 at batch 2); batch 4: level within "
                                "the noise; from batch 8: B (1.82 times A; 2.73 at batch 16)."}));
}

TEST(Compare, DevicesMeetInTheirFastestPrecisionToo) {
  auto gpu = machine("GPU", {{1, 300}, {8, 2000}}, "fp16");
  const auto study = of({machine("CPU", {{1, 400}, {8, 500}}), gpu});
  EXPECT_EQ(device_sentences(study),
            (std::vector<std::string>{
                "resnet in each device's fastest precision: batch 1: CPU (1.33 times GPU); batch 8: GPU "
                "(4.00 times CPU)."}));
  EXPECT_EQ(missing_sentences(study).size(), 2u);
}

TEST(Compare, DisturbancesOfOneMachineAreOneLine) {
  auto first = machine("A", {{1, 100}}), second = machine("A", {{2, 200}}), third = machine("A", {{4, 300}});
  first.notes = {"one: 50 timed runs.", "The machine was not quiet: its clock moved between 2.50 and 3.00 GHz."};
  second.notes = {"two: 50 timed runs.", "The machine was not quiet: other processes took 3 % of its time meanwhile.",
                  "The machine was not quiet: its clock moved between 2.40 and 2.90 GHz."};
  third.notes = {"The machine was not quiet: its clock moved between 2.40 and 2.90 GHz."};
  const auto expected = std::vector<std::string>{
      "one: 50 timed runs.", "The machine was not quiet: its clock moved between 2.50 and 3.00; 2.40 and 2.90 GHz.",
      "two: 50 timed runs.", "The machine was not quiet: other processes took 3 % of its time meanwhile."};
  EXPECT_EQ(of({first, second, third}).all.notes, expected);
}

TEST(Compare, NamesCellsThatOnlySomeHave) {
  const auto study = of({machine("A", {{1, 100}, {8, 200}}), machine("B", {{1, 50}, {16, 60}})});
  EXPECT_EQ(missing_sentences(study),
            (std::vector<std::string>{"resnet int8 at batch 16 cannot be compared: A has not measured it.",
                                      "resnet int8 at batch 8 cannot be compared: B has not measured it."}));
  auto other = machine("B", {{1, 50}});
  other.results[0].model = "vgg";
  const auto apart = of({machine("A", {{1, 100}}), other});
  EXPECT_TRUE(device_sentences(apart).empty());
  EXPECT_EQ(missing_sentences(apart),
            (std::vector<std::string>{"resnet int8 cannot be compared: B has not measured it.",
                                      "vgg int8 cannot be compared: A has not measured it."}));
}

TEST(Compare, TheBestOverSessionsCounts) {
  auto results = machine("A", {{8, 100}});
  results.results.push_back(samples::point("int8", 8, 170));
  results.results.back().sessions = 2;
  results.results.back().threads = 1;
  const auto study = of({results, machine("B", {{8, 150}})});
  const auto cells = cells_of(study);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].best[0]->throughput, 170);
}

TEST(Compare, TwoRunsAgreeWhereTheirIntervalsOverlap) {
  const auto first = machine("A", {{1, 100}, {2, 100}, {4, 100}});
  const auto agreement = agreement_of(first, machine("A", {{1, 101}, {2, 103}, {8, 100}}));
  EXPECT_EQ(agreement.cells, 2);
  EXPECT_EQ(agreement.agreeing, 1);
  EXPECT_EQ(agreement.apart,
            std::vector<std::string>{"resnet int8 at batch 2: 100 (99.0 to 101) and 103 (102 to 104) images/s"});
  EXPECT_EQ(agreement_of(first, machine("B", {{1, 100}})).cells, 0);
}

TEST(Compare, ThePageShowsTheGapAndWhatIsMissing) {
  const auto html = html_report(of({machine("A", {{1, 100}, {8, 200}}), machine("B", {{1, 50}})}));
  EXPECT_NE(html.find("resnet int8: batch 1: A (2.00 times B)."), std::string::npos);
  EXPECT_NE(html.find("What cannot be compared"), std::string::npos);
  EXPECT_NE(html.find("0.50 (0.49–0.51)"), std::string::npos);
  EXPECT_NE(html.find("The machines"), std::string::npos);
}

TEST(Compare, FilesOfOneMachineWithOtherPointsAreOne) {
  auto first = samples::two_precisions(), second = samples::two_precisions(), gpu = samples::two_precisions();
  first.command = "halftone bench resnet.onnx";
  second.command = "halftone bench vgg.onnx";
  for (auto& result : second.results) result.model = "vgg";
  gpu.machine.name = "Card";
  for (auto& result : gpu.results) {
    result.device = "cuda:0";
    result.threads = 132;
    result.throughput *= 100;
    result.ci95 = {0.99 * result.throughput, 1.01 * result.throughput};
  }
  const auto study = study_of(std::vector{first, second, gpu});
  EXPECT_EQ(study.machines.size(), 2u);
  EXPECT_EQ(study.devices, (std::vector<std::string>{"A <Processor>", "Card"}));
  EXPECT_EQ(study.all.results.size(), 18u);
  const auto rows = result_rows(study.all, "resnet");
  const auto at = std::find(rows[0].begin(), rows[0].end(), "× first device") - rows[0].begin();
  ASSERT_LT(at, static_cast<std::ptrdiff_t>(rows[0].size()));
  EXPECT_TRUE(rows.back()[static_cast<std::size_t>(at)].starts_with("100 (98–102)"))
      << rows.back()[static_cast<std::size_t>(at)];
  EXPECT_EQ(device_rows(study)[0],
            (std::vector<std::string>{"model", "precision", "device", "batch 1, ms", "knee", "images/s at the knee",
                                      "largest images/s", "images/J at the knee", "× A <Processor> fp32",
                                      "× A <Processor> at its fastest"}));
  // 18,000 over 50 and over 180, of intervals of 1 %.
  EXPECT_EQ(device_rows(study)[4], (std::vector<std::string>{"resnet", "int8", "Card", "7.69", "8", "17,500", "18,000",
                                                             "", "360 (353–367)", "100 (98–102)"}));
  const auto page = html_report(study);
  EXPECT_NE(page.find("The devices at a glance"), std::string::npos);
  EXPECT_NE(page.find(">20k</text>"), std::string::npos) << "the throughput of both is seen on a logarithmic axis";
  EXPECT_NE(page.find(">50</text>"), std::string::npos);
  EXPECT_EQ(device_rows(study_of(std::vector{first})).size(), 1u);
  // The same points again are another run, not the same one.
  EXPECT_EQ(study_of(std::vector{first, first}).machines.size(), 2u);
}

}  // namespace
}  // namespace halftone
