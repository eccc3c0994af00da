#include "bench/layer_page.h"

#include <gtest/gtest.h>

#include <limits>

namespace halftone {
namespace {

LayerPage page() {
  LayerLine plain{"conv<1>", "Conv", "int8", 40, 0.25, 0.1, 2, {{"fp32", 3.0}, {"int8", 1.0}}, 2.0};
  LayerLine exact{
      "fc", "Gemm", "fp32", std::numeric_limits<double>::infinity(), 0.75, 0, 0, {{"fp32", 1.0}, {"int8", 2.0}}, -1.0};
  return {"net & co", {"A sentence."}, {plain, exact}, {{"mix", "drop"}, {"1", "0.5"}}};
}

TEST(LayerPage, ShowsEveryLayerWithItsFiguresAndEscapesNames) {
  const auto html = html_page(page());
  for (const auto* part : {"net &amp; co", "A sentence.", "conv&lt;1&gt;", "25.0 %", "75.0 %", "<td>0.5</td>", "<svg"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  EXPECT_EQ(html.find("conv<1>"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos) << "the page needs no network";
}

TEST(LayerPage, HasAColumnForEveryPrecisionThereWasToChooseFrom) {
  auto lines = page().layers;
  EXPECT_EQ(layer_rows(lines)[0].size(), 10u);
  for (auto& line : lines) line.times_ms = {{"fp32", 3.0}, {"fp16", {}}, {"fp8", 1.5}};
  lines[0].times_ms[1].second = 2.5;
  const auto rows = layer_rows(lines);
  ASSERT_EQ(rows[0].size(), 11u);
  EXPECT_EQ(rows[0][8], "fp16 ms");
  EXPECT_EQ(rows[1][8], "2.50");
  EXPECT_EQ(rows[2][8], "") << "not timed";
  EXPECT_EQ(rows[2][3], "") << "an infinite SNR is no number";
}

TEST(LayerPage, DrawsBarsInProportionAndNoneBelowZero) {
  const auto svg = layer_chart(page().layers);
  EXPECT_NE(svg.find("class=\"int8\" x=\"220\" y=\"45\" width=\"80.0\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("class=\"fp32\" x=\"220\" y=\"63\" width=\"240.0\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("y=\"63\" width=\"0.0\""), std::string::npos) << svg;
}

}  // namespace
}  // namespace halftone
