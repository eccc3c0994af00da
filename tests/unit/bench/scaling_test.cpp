#include "bench/scaling.h"

#include <gtest/gtest.h>

#include "bench/report.h"
#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

Result on(const char* device, int devices, int batch, double throughput) {
  auto result = samples::point("fp16", batch, throughput);
  result.device = device;
  result.devices = result.sessions = devices;
  result.ci95 = {throughput, throughput};
  return result;
}

TEST(Scaling, IsBesideTheFirstDeviceAlone) {
  Results results;
  results.results = {on("cuda:0", 1, 8, 1000), on("cuda:0,cuda:1,cuda:2,cuda:3", 4, 8, 3600),
                     on("cuda:0,cuda:1", 2, 8, 1900), on("cuda:0", 1, 32, 2000), on("cuda:1,cuda:0", 2, 8, 1850)};
  const auto rows = scaling_rows(results, "resnet");
  ASSERT_EQ(rows.size(), 4u);  // neither batch 32 nor a set that begins with another device has anything beside it
  const auto last = [&](std::size_t row) { return rows[row].back(); };
  EXPECT_EQ(rows[1][3], "1");
  EXPECT_EQ(last(1), "100 %");
  EXPECT_EQ(rows[2][3], "2");
  EXPECT_EQ(last(2), "95.0 % (95.0–95.0)");
  EXPECT_EQ(rows[3][3], "4");
  EXPECT_EQ(last(3), "90.0 % (90.0–90.0)");
}

TEST(Scaling, ComparesEqualSessionsADevice) {
  Results results;
  results.results = {on("cuda:0", 1, 8, 1000), on("cuda:0,cuda:1", 2, 8, 1900)};
  results.results[1].sessions = 4;
  EXPECT_EQ(scaling_rows(results, "resnet").size(), 1u);
  results.results[0].sessions = 2;
  EXPECT_EQ(scaling_rows(results, "resnet").size(), 3u);
}

TEST(Scaling, StandsOnThePageOfSeveralMachines) {
  std::vector<Results> files(2);
  files[0].machine.name = "One";
  files[0].results = {on("cuda:0", 1, 8, 1000), on("cuda:0,cuda:1", 2, 8, 1900)};
  files[1].machine.name = "Two";
  files[1].results = {samples::point("fp16", 8, 10)};
  const auto page = html_report(study_of(files), std::nullopt);
  EXPECT_NE(page.find("Scaling over devices"), std::string::npos);
  EXPECT_NE(page.find("95.0 %"), std::string::npos);
}

}  // namespace
}  // namespace halftone
