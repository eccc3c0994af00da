#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/advice.h"
#include "bench/chart.h"
#include "bench/format.h"
#include "bench/table.h"

namespace halftone {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1c1f24; --soft: #5b6470; --line: #d8dce2; --ground: #ffffff; --box: #f4f6f8;
  --c0: #2563c9; --c1: #c2410c; --c2: #15803d; --c3: #7e22ce; --c4: #0e7490; --c5: #be185d; --c6: #854d0e; --c7: #475569; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa4b2; --line: #343b45; --ground: #14171b;
  --box: #1d2228; --c0: #7fb0ff; --c1: #ff9d66; --c2: #6fd58f; --c3: #cf9bff; --c4: #67d0e6; --c5: #ff8cc0; --c6: #e3b75a;
  --c7: #a9b4c2; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 62rem;
  margin: 0 auto; padding: 1.5rem 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; } p { margin: .4rem 0; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
.soft { color: var(--soft); }
.advice { background: var(--box); border-left: .25rem solid var(--c0); padding: .6rem 1rem; margin: .5rem 0; }
.advice b { display: inline-block; } .advice b::first-letter { text-transform: uppercase; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg .tick { font-size: 12px; fill: var(--soft); } svg .title { font-weight: 600; font-size: 14px; }
svg .grid { stroke: var(--line); fill: none; } svg .line { stroke: currentColor; stroke-width: 2; fill: none; }
svg .bar { stroke: currentColor; fill: none; } svg .dot { fill: currentColor; }
svg .ring { stroke: currentColor; fill: none; stroke-width: 1.5; } svg .name { fill: currentColor; font-weight: 600; }
.s0 { color: var(--c0); } .s1 { color: var(--c1); } .s2 { color: var(--c2); } .s3 { color: var(--c3); }
.s4 { color: var(--c4); } .s5 { color: var(--c5); } .s6 { color: var(--c6); } .s7 { color: var(--c7); }
@media print { body { max-width: none; font-size: 11pt; } .advice, .charts svg, table { break-inside: avoid; }
  .scroll { overflow: visible; } }
)";

std::string html_table(const Rows& rows) {
  std::string html = "<div class=\"scroll\"><table>\n";
  for (std::size_t row = 0; row < rows.size(); ++row) {
    html += "<tr>";
    const char* tag = row == 0 ? "th" : "td";
    for (const auto& cell : rows[row]) html += fmt::format("<{0}>{1}</{0}>", tag, escape_html(cell));
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

/// What tells the sweeps of one model apart: the precision, and whatever else is not the same for all.
std::string label_of(const Sweep& sweep, const std::vector<Sweep>& all) {
  auto label = sweep.precision;
  const auto differs = [&](auto member) {
    return std::any_of(all.begin(), all.end(), [&](const Sweep& other) { return other.*member != sweep.*member; });
  };
  if (differs(&Sweep::engine)) label += " " + sweep.engine;
  if (differs(&Sweep::device)) label += " " + sweep.device;
  if (differs(&Sweep::sessions) || differs(&Sweep::threads))
    label += fmt::format(" {}×{}", sweep.sessions, sweep.threads);
  return label;
}

std::string charts(const Results& results, const std::string& model) {
  auto sweeps = sweeps_of(results);
  std::erase_if(sweeps, [&](const Sweep& sweep) { return sweep.model != model; });
  std::vector<ChartLine> throughput, latency;
  for (const auto& sweep : sweeps) {
    const auto label = label_of(sweep, sweeps);
    ChartLine rate{label, {}}, time{label, {}};
    for (const auto& point : sweep.points) {
      rate.points.push_back({static_cast<double>(point.batch), point.throughput, point.ci95,
                             fmt::format("{}: {} images/s ({} to {})", describe(point), format_number(point.throughput),
                                         format_number(point.ci95.lo), format_number(point.ci95.hi)),
                             sweep.points.size() > 1 && &point == &sweep.knee()});
      if (!(point.latency_ms.p50 > 0)) continue;
      time.points.push_back({static_cast<double>(point.batch), point.latency_ms.p50,
                             Interval{point.latency_ms.p50, point.latency_ms.p99},
                             fmt::format("{}: p50 {} ms, p99 {} ms", describe(point),
                                         format_number(point.latency_ms.p50), format_number(point.latency_ms.p99)),
                             false});
    }
    throughput.push_back(rate);
    if (!time.points.empty()) latency.push_back(time);
  }
  std::string html = "<div class=\"charts\">\n";
  html += line_chart("Throughput, images/s", "batch", "images/s", throughput) + "\n";
  if (!latency.empty()) html += line_chart("Latency of a batch, ms (p50 to p99)", "batch", "ms", latency, true) + "\n";
  return html +
         "</div>\n<p class=\"soft\">Rings mark the knee: the smallest batch with at least 0.9 of the largest "
         "throughput. Bars are 95 % intervals of the throughput, and reach from p50 to p99 of the latency.</p>\n";
}

std::string model_section(const Results& results, const std::string& model, std::optional<double> limit) {
  auto html = fmt::format("<h2>{}</h2>\n", escape_html(model));
  for (const auto& advice : advise(results, model, limit))
    html += fmt::format("<p class=\"advice\"><b>{}</b>: {}</p>\n", escape_html(advice.topic), escape_html(advice.text));
  html += charts(results, model);
  const auto accuracy = accuracy_rows(results, model);
  if (accuracy.size() > 1)
    html +=
        "<h3>Accuracy</h3>\n" + html_table(accuracy) +
        "<p class=\"soft\">In brackets the 95 % interval for a set of this size (Wilson). Lost: right in FP32, wrong "
        "here; gained: the reverse.</p>\n";
  return html + "<h3>Every point</h3>\n" + html_table(result_rows(results, model));
}

std::string machine_section(const Machine& machine) {
  Rows rows{{"machine", ""}, {"processor", machine.name}, {"cores used", std::to_string(machine.cores)}};
  if (machine.memory_bytes > 0) rows.push_back({"memory", format_bytes(machine.memory_bytes)});
  if (!machine.features.empty())
    rows.push_back({"instruction sets", fmt::format("{}", fmt::join(machine.features, " "))});
  for (const auto& [precision, peak] : machine.peaks)
    rows.push_back({"measured peak, " + precision, format_number(peak / 1e9) + " G operations/s"});
  for (const auto& [level, rate] : machine.bandwidth)
    rows.push_back({"measured read bandwidth, " + level, format_number(rate / 1e9) + " GB/s"});
  return "<h2>The machine</h2>\n" + html_table(rows);
}

}  // namespace

std::string html_report(const Results& results, std::optional<double> p99_limit_ms) {
  const auto models = models_of(results);
  const auto title = fmt::format("Halftone: {}", fmt::join(models, ", "));
  auto html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<h1>{0}</h1>\n<p class=\"soft\">{2}{3}</p>\n",
      escape_html(title), kStyle, escape_html(results.machine.name),
      results.created.empty() ? "" : ", " + escape_html(results.created));
  if (models.empty()) html += "<p>Nothing was measured.</p>\n";
  for (const auto& model : models) html += model_section(results, model, p99_limit_ms);
  html += machine_section(results.machine);
  html +=
      "<h2>How it was measured</h2>\n<p>Throughput is sessions × batch / median latency; its interval is the "
      "bootstrap's "
      "(1,000 resamples, 95 %). A percentile p of n sorted samples is the one at floor(n p).</p>\n";
  for (const auto& note : results.notes) html += "<p>" + escape_html(note) + "</p>\n";
  return html + "</body>\n</html>\n";
}

}  // namespace halftone
