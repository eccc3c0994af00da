#include "bench/report.h"

#include <gtest/gtest.h>

#include <regex>

#include "bench/chart.h"
#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// Every tag that opens closes, in order: what a browser would not have to guess at.
void expect_balanced(const std::string& html) {
  std::vector<std::string> open;
  const std::regex tag(R"(<(/?)([a-z][a-z0-9]*)([^>]*?)(/?)>)");
  for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
    const auto name = (*at)[2].str();
    if (name == "meta" || (*at)[4].length() > 0) continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << name;
      ASSERT_EQ(open.back(), name);
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

std::string page(const Results& results, const std::optional<Slo>& slo = {}) {
  return html_report(study_of(std::span(&results, 1)), slo);
}

TEST(Report, HasChartsTablesAdviceAndMethod) {
  const auto html = page(samples::two_precisions());
  expect_balanced(html);
  EXPECT_EQ(count(html, "<svg class=\"chart\""), 3u);  // throughput, latency, accuracy beside speed
  EXPECT_EQ(count(html, "<title>"), 1u + 6 + 6 + 2);
  EXPECT_EQ(count(html, "class=\"ring\""), 2u + 2u);  // two knees, and both precisions on the front
  EXPECT_EQ(count(html, "<p><b>"), 5u);
  EXPECT_EQ(count(html, "<table"), 3u);  // accuracy, points, machine
  EXPECT_NE(html.find("20 warm-up and 100 timed runs a point."), std::string::npos);
  EXPECT_NE(html.find("78.3 % (75.0–81.3)"), std::string::npos);
  EXPECT_NE(html.find("3.60 (3.53–3.67)"), std::string::npos);
  EXPECT_EQ(count(page(samples::two_precisions(), Slo{"p99", 15}), "<p><b>"), 6u);
}

TEST(Report, LoadsNothingAndEscapesWhatItShows) {
  auto results = samples::two_precisions();
  for (auto& result : results.results) result.model = "a<b>&\"c\"";
  results.absent = {{"torch", "", "<script>"}};
  results.profiles = {{"a<b>&\"c\"", "cpu", "int8", 8, {{"<i>", "<i>", "<i>", 1.5}}}};
  const auto html = page(results);
  expect_balanced(html);
  EXPECT_EQ(html.find("<b>&\""), std::string::npos);
  EXPECT_EQ(html.find("<i>"), std::string::npos);
  EXPECT_EQ(count(html, "<script>"), 1u);
  EXPECT_NE(html.find("a&lt;b&gt;&amp;&quot;c&quot;"), std::string::npos);
  EXPECT_NE(html.find("A &lt;Processor&gt;"), std::string::npos);
  for (const char* outside : {"http:", "https:", "src=", "@import", "url("})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
}

TEST(Report, ShowsDisturbancesAbsentEnginesLayersAndMemoryToCome) {
  auto results = samples::two_precisions();
  results.notes.emplace_back("The machine was not quiet: other processes took 10 % of its time meanwhile.");
  results.absent = {{"torch", "", "not installed"}};
  results.profiles = {{"resnet", "cpu", "int8", 8, {{"conv1", "FusedConv …", "dnnl", 1.5}}}};
  for (auto& result : results.results) result.memory_bytes = 1000000 + 500000 * static_cast<unsigned>(result.batch);
  const auto html = page(results);
  expect_balanced(html);
  EXPECT_NE(html.find("<p class=\"note\">The machine was not quiet"), std::string::npos);
  EXPECT_NE(html.find("torch: not installed"), std::string::npos);
  EXPECT_NE(html.find("Where the time goes"), std::string::npos);
  EXPECT_NE(html.find("<td>257 MB</td><td>± 0 bytes</td>"), std::string::npos);
}

TEST(Report, SinglePointsAndEmptyResultsMakeAPage) {
  auto one = samples::two_precisions();
  one.results.resize(1);
  const auto html = page(one);
  expect_balanced(html);
  EXPECT_EQ(count(html, "<svg class=\"chart\""), 2u);
  const auto body = html.substr(html.find("<body>"), html.find("<script>") - html.find("<body>"));
  EXPECT_EQ(body.find("nan"), std::string::npos);
  EXPECT_EQ(body.find("inf"), std::string::npos);
  expect_balanced(page(Results{}));
}

TEST(Chart, PlacesPointsInProportion) {
  const auto svg =
      draw_chart({"t", "x", "y"},
                 {{"line", {{1, 0, {}, "", false, {}}, {4, 50, {}, "", false, {}}, {16, 100, {}, "", false, {}}}}});
  EXPECT_NE(svg.find("M64.0 268.0 L262.0 141.0 L460.0 14.0"), std::string::npos) << svg;
}

TEST(Chart, LogarithmicHeightsAreEvenAcrossDecades) {
  const auto svg =
      draw_chart({.title = "t", .log_y = true},
                 {{"line", {{1, 1, {}, "", false, {}}, {2, 10, {}, "", false, {}}, {4, 100, {}, "", false, {}}}}});
  EXPECT_NE(svg.find("M64.0 268.0 L262.0 141.0 L460.0 14.0"), std::string::npos) << svg;
}

TEST(Chart, DrawsIntervalsBothWays) {
  const auto svg = draw_chart({.title = "t", .batches = false, .joined = false},
                              {{"line", {{50, 50, {20, 80}, "", false, {0, 100}}}}});
  EXPECT_NE(svg.find("M262.0 204.5 V14.0"), std::string::npos) << svg;
  EXPECT_NE(svg.find("M64.0 109.2 H460.0"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("class=\"line\""), std::string::npos);
}

}  // namespace
}  // namespace halftone
