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

TEST(Report, HasChartsTablesAdviceAndMethod) {
  const auto html = html_report(samples::two_precisions());
  expect_balanced(html);
  EXPECT_EQ(count(html, "<svg"), 2u);
  EXPECT_EQ(count(html, "class=\"dot\""), 12u);
  EXPECT_EQ(count(html, "class=\"ring\""), 2u);
  EXPECT_EQ(count(html, "class=\"advice\""), 3u);
  EXPECT_EQ(count(html, "<table>"), 3u);
  EXPECT_NE(html.find("20 warm-up and 100 timed runs a point."), std::string::npos);
  EXPECT_NE(html.find("78.3 % (75.0–81.3)"), std::string::npos);
  EXPECT_EQ(count(html_report(samples::two_precisions(), 15.0), "class=\"advice\""), 4u);
}

TEST(Report, LoadsNothingAndEscapesWhatItShows) {
  auto results = samples::two_precisions();
  for (auto& result : results.results) result.model = "a<b>&\"c\"";
  const auto html = html_report(results);
  expect_balanced(html);
  EXPECT_EQ(html.find("<b>&\""), std::string::npos);
  EXPECT_NE(html.find("a&lt;b&gt;&amp;&quot;c&quot;"), std::string::npos);
  EXPECT_NE(html.find("A &lt;Processor&gt;"), std::string::npos);
  for (const char* outside : {"http:", "https:", "src=", "@import", "url("})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
}

TEST(Report, SinglePointsAndEmptyResultsMakeAPage) {
  auto one = samples::two_precisions();
  one.results.resize(1);
  const auto html = html_report(one);
  expect_balanced(html);
  EXPECT_EQ(count(html, "class=\"dot\""), 2u);
  EXPECT_EQ(html.find("nan"), std::string::npos);
  EXPECT_EQ(html.find("inf"), std::string::npos);
  expect_balanced(html_report(Results{}));
}

TEST(Chart, PlacesPointsInProportion) {
  const auto svg =
      line_chart("t", "x", "y", {{"line", {{1, 0, {}, "", false}, {4, 50, {}, "", false}, {16, 100, {}, "", false}}}});
  EXPECT_NE(svg.find("M64.0 312.0 L304.0 174.0 L544.0 36.0"), std::string::npos) << svg;
}

TEST(Chart, LogarithmicHeightsAreEvenAcrossDecades) {
  const auto svg = line_chart(
      "t", "x", "y", {{"line", {{1, 1, {}, "", false}, {2, 10, {}, "", false}, {4, 100, {}, "", false}}}}, true);
  EXPECT_NE(svg.find("M64.0 312.0 L304.0 174.0 L544.0 36.0"), std::string::npos) << svg;
}

}  // namespace
}  // namespace halftone
