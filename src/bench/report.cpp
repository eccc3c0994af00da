#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/advice.h"
#include "bench/device_rows.h"
#include "bench/format.h"
#include "bench/html.h"
#include "bench/noise.h"

namespace halftone {

extern const char* const kPageStyle;   // bench/page/page.css
extern const char* const kPageScript;  // bench/page/page.js

namespace {

Rows machine_rows(const Machine& machine) {
  Rows rows{{"", ""}, {"processor", machine.name}, {"cores used", std::to_string(machine.cores)}};
  if (machine.memory_bytes > 0) rows.push_back({"memory", format_bytes(machine.memory_bytes)});
  if (!machine.features.empty())
    rows.push_back({"instruction sets", fmt::format("{}", fmt::join(machine.features, " "))});
  for (const auto& [precision, peak] : machine.peaks)
    rows.push_back({"measured peak, " + precision, format_number(peak / 1e9) + " G operations/s"});
  for (const auto& [level, rate] : machine.bandwidth)
    rows.push_back({"measured read bandwidth, " + level, format_number(rate / 1e9) + " GB/s"});
  for (const auto& [engine, version] : machine.software) rows.push_back({engine, version});
  return rows;
}

std::string glance_section(const Study& study) {
  const auto rows = device_rows(study);
  if (rows.size() < 2) return "";
  return "<h2>The devices at a glance</h2>\n" + html_table(rows) +
         html_paragraph("Ratios are those of the largest throughputs, over all batches.", "soft");
}

std::string devices_section(const Study& study) {
  if (study.devices.size() < 2) return "";
  std::string html = "<h2>The devices beside each other</h2>\n";
  for (const auto& sentence : device_sentences(study)) html += html_paragraph(sentence);
  const auto missing = missing_sentences(study);
  if (missing.empty()) return html;
  html += "<h3>What cannot be compared</h3>\n";
  for (const auto& sentence : missing) html += html_paragraph(sentence, "soft");
  return html;
}

std::string absent_section(const Results& results) {
  if (results.absent.empty()) return "";
  std::string html = "<h2>What was asked for and not measured</h2>\n";
  for (const auto& absent : results.absent) html += html_paragraph(describe(absent));
  return html;
}

constexpr const char* kMethod[] = {
    "A run's latency is its wall time, of the engine alone with its input in memory. p50 is the median; a percentile p "
    "of n "
    "sorted samples is the one at floor(n p).",
    "Throughput is sessions × batch / median latency. Its 95 % interval is the bootstrap's, over turns and over the "
    "runs "
    "in a turn. A ratio's interval is the widest that the two intervals allow, and where it holds 1 the two are called "
    "level. The knee is the smallest batch with at least 0.9 of the sweep's largest throughput.",
    "Other engines ran the very same file on the same inputs, taking turns with ours, each at its best settings; how "
    "far "
    "their outputs differ from ours is in the tables, and an engine whose outputs differ by more than rounding is left "
    "out.",
    "Memory is the weights and the working memory of all sessions. Projected memory is a polynomial through the "
    "batches "
    "that were run; its error is the mean one of predicting each from the others.",
};

std::string method_section(const Results& results) {
  std::string html = "<h2>How it was measured</h2>\n";
  for (const auto* text : kMethod) html += html_paragraph(text);
  for (const auto& note : results.notes) html += html_paragraph(note);
  return html;
}

}  // namespace

std::string html_report(const Study& study, const std::optional<Slo>& slo) {
  const auto models = models_of(study.all);
  const auto title = escape_html(fmt::format("Halftone: {}", fmt::join(models, ", ")));
  std::vector<std::string> names;
  for (const auto& machine : study.machines) names.push_back(machine.name);
  auto html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<h1>{0}</h1>\n<p class=\"soft\">{2}{3}</p>\n",
      title, kPageStyle, escape_html(fmt::format("{}", fmt::join(names, "; "))),
      study.all.created.empty() ? "" : ", " + escape_html(study.all.created));
  for (const auto& note : study.all.notes)
    if (is_disturbance(note)) html += html_paragraph(note, "note");
  if (models.empty()) html += "<p>Nothing was measured.</p>\n";
  html += glance_section(study);
  for (const auto& model : models) html += model_section(study, model, slo);
  html += devices_section(study) + absent_section(study.all);
  html += study.machines.size() > 1 ? "<h2>The machines</h2>\n" : "<h2>The machine</h2>\n";
  for (const auto& machine : study.machines) html += html_table(machine_rows(machine));
  return html + method_section(study.all) + fmt::format("<script>\n{}</script>\n</body>\n</html>\n", kPageScript);
}

}  // namespace halftone
