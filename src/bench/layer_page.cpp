#include "bench/layer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/chart.h"
#include "bench/format.h"

namespace halftone {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #5b6470; --line: #d8dce2; --ground: #ffffff;
  --eight: #2563c9; --sixteen: #c2410c; --fp32: #7e22ce; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa4b2; --line: #343b45; --ground: #14171b;
  --eight: #7fb0ff; --sixteen: #ff9d66; --fp32: #cf9bff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 62rem;
  margin: 0 auto; padding: 1.5rem 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; } p { margin: .4rem 0; }
.soft { color: var(--soft); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .axis { stroke: var(--line); }
.int8, .fp8 { fill: var(--eight); } .bf16, .fp16 { fill: var(--sixteen); } .fp32 { fill: var(--fp32); }
@media print { body { max-width: none; font-size: 11pt; } .scroll { overflow: visible; } }
)";

constexpr double kWidth = 900, kRow = 18, kTop = 44, kNames = 220, kBars = 240, kGap = 90;

std::string cell(const std::optional<double>& milliseconds) { return milliseconds ? format_number(*milliseconds) : ""; }

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class=\"scroll\"><table>\n";
  for (std::size_t row = 0; row < rows.size(); ++row) {
    html += "<tr>";
    for (const auto& text : rows[row]) html += fmt::format("<{0}>{1}</{0}>", row == 0 ? "th" : "td", escape_html(text));
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

}  // namespace

std::vector<std::vector<std::string>> layer_rows(const std::vector<LayerLine>& layers) {
  std::vector<std::vector<std::string>> rows{
      {"layer", "made by", "chosen", "SNR dB", "share of noise", "points", "answers changed"}};
  if (!layers.empty())
    for (const auto& [precision, milliseconds] : layers.front().times_ms) rows[0].push_back(precision + " ms");
  rows[0].emplace_back("ms bought");
  for (const auto& layer : layers) {
    rows.push_back({layer.layer, layer.op, layer.chosen, std::isinf(layer.snr) ? "" : fmt::format("{:.1f}", layer.snr),
                    format_percent(layer.noise_share), fmt::format("{:.3f}", layer.points),
                    std::to_string(layer.changed)});
    for (const auto& [precision, milliseconds] : layer.times_ms) rows.back().push_back(cell(milliseconds));
    rows.back().push_back(format_number(layer.saved_ms));
  }
  return rows;
}

std::string layer_chart(const std::vector<LayerLine>& layers) {
  double most_noise = 1e-12, most_time = 1e-12;
  for (const auto& layer : layers) {
    most_noise = std::max(most_noise, layer.noise_share);
    most_time = std::max(most_time, std::abs(layer.saved_ms));
  }
  const double height = kTop + kRow * static_cast<double>(layers.size()) + 8;
  const double second = kNames + kBars + kGap;
  auto svg = fmt::format(
      "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" aria-label=\"what each layer costs and buys\">\n"
      "<text x=\"{2:.0f}\" y=\"16\">accuracy it costs: share of the noise at the outputs</text>\n"
      "<text x=\"{3:.0f}\" y=\"16\">time it buys, ms a batch</text>\n",
      kWidth, height, kNames, second);
  double x = kNames;
  std::vector<std::string> precisions;
  if (!layers.empty())
    for (const auto& [precision, milliseconds] : layers.front().times_ms)
      precisions.insert(precisions.begin(), precision);
  for (const auto& precision : precisions) {
    svg += fmt::format(
        "<rect class=\"{0}\" x=\"{1:.0f}\" y=\"24\" width=\"10\" height=\"10\"/><text class=\"soft\" "
        "x=\"{2:.0f}\" y=\"34\">{0}</text>\n",
        precision, x, x + 14);
    x += 60;
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& layer = layers[i];
    const double y = kTop + kRow * static_cast<double>(i);
    const std::string name =
        escape_html(layer.layer.size() > 34 ? "…" + layer.layer.substr(layer.layer.size() - 32) : layer.layer);
    const double noise = kBars * layer.noise_share / most_noise;
    const double time = kBars * std::max(0.0, layer.saved_ms) / most_time;
    svg += fmt::format(
        "<g><title>{0}: {1}, {2:.1f} dB, {3} ms bought</title><text x=\"{4:.0f}\" y=\"{5:.0f}\" "
        "text-anchor=\"end\">{0}</text>"
        "<rect class=\"{1}\" x=\"{6:.0f}\" y=\"{7:.0f}\" width=\"{8:.1f}\" height=\"12\"/>"
        "<text class=\"soft\" x=\"{9:.1f}\" y=\"{5:.0f}\">{10}</text>"
        "<rect class=\"{1}\" x=\"{11:.0f}\" y=\"{7:.0f}\" width=\"{12:.1f}\" height=\"12\"/>"
        "<text class=\"soft\" x=\"{13:.1f}\" y=\"{5:.0f}\">{3}</text></g>\n",
        name, escape_html(layer.chosen), layer.snr, format_number(layer.saved_ms), kNames - 8, y + 11, kNames, y + 1,
        noise, kNames + noise + 5, format_percent(layer.noise_share), second, time, second + time + 5);
  }
  return svg + "</svg>\n";
}

std::string html_page(const LayerPage& page) {
  auto html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}</title><style>{1}</style></head>\n<body><h1>{0}</h1>\n",
      escape_html(page.title), kStyle);
  for (const auto& sentence : page.sentences) html += fmt::format("<p>{}</p>\n", escape_html(sentence));
  html += "<h2>Layers</h2>\n" + layer_chart(page.layers) + table(layer_rows(page.layers));
  html +=
      "<p class=\"soft\">Every layer was put into the lowest precision alone, the others in FP32. SNR: the outputs "
      "beside FP32's. Points: probability of FP32's answer lost. Times are those of the layer's fused kernel as the "
      "tuner measured it.</p>\n";
  html += "<h2>Mixes evaluated</h2>\n" + table(page.tried);
  return html + "</body></html>\n";
}

}  // namespace halftone
