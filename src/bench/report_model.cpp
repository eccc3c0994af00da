#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/advice.h"
#include "bench/format.h"
#include "bench/html.h"
#include "bench/report.h"
#include "bench/scaling.h"

namespace halftone {
namespace {

/// A sweep and how the page shows it: a colour a precision, a dash for whatever else tells it apart.
struct Curve {
  Sweep sweep;
  std::string label;
  int series = 0, color = 0, dash = 0;
};

int position(std::vector<std::string>& seen, const std::string& item) {
  const auto index = std::find(seen.begin(), seen.end(), item) - seen.begin();
  if (index == static_cast<std::ptrdiff_t>(seen.size())) seen.push_back(item);
  return static_cast<int>(index);
}

std::vector<Curve> curves_of(const Results& results, const std::string& model) {
  auto sweeps = sweeps_of(results);
  std::erase_if(sweeps, [&](const Sweep& sweep) { return sweep.model != model; });
  const auto differs = [&](auto member) {
    return std::any_of(sweeps.begin(), sweeps.end(), [&](auto& other) { return other.*member != sweeps[0].*member; });
  };
  const bool engines = differs(&Sweep::engine), devices = differs(&Sweep::device);
  const bool teams = differs(&Sweep::sessions) || differs(&Sweep::threads);
  std::vector<Curve> curves;
  std::vector<std::string> precisions, others;
  for (auto& sweep : sweeps) {
    std::string rest;
    if (engines) rest += " " + sweep.engine;
    if (devices) rest += " " + sweep.device;
    if (teams) rest += fmt::format(" {}×{}", sweep.sessions, sweep.threads);
    Curve curve{sweep, sweep.precision + rest, static_cast<int>(curves.size()), position(precisions, sweep.precision),
                position(others, rest)};
    curves.push_back(std::move(curve));
  }
  return curves;
}

std::string legend(const std::vector<Curve>& curves) {
  std::string html = "<ul class=\"legend\">";
  for (const auto& curve : curves)
    html += fmt::format("<li data-toggles=\"{}\">{}{}</li>", curve.series, draw_swatch(curve.color, curve.dash),
                        escape_html(curve.label));
  return html + "</ul>\n";
}

ChartLine line_of(const Curve& curve) { return {curve.label, {}, curve.series, curve.color, curve.dash}; }

/// Whether the slowest would lie flat on a linear axis.
bool far_apart(const std::vector<Curve>& curves) {
  constexpr double kFar = 20;
  double least = INFINITY, most = 0;
  for (const auto& curve : curves) {
    least = std::min(least, curve.sweep.fastest().throughput);
    most = std::max(most, curve.sweep.fastest().throughput);
  }
  return most > kFar * least && least > 0;
}

std::string throughput_chart(const std::vector<Curve>& curves) {
  std::vector<ChartLine> lines;
  for (const auto& curve : curves) {
    auto line = line_of(curve);
    for (const auto& point : curve.sweep.points)
      line.points.push_back({static_cast<double>(point.batch),
                             point.throughput,
                             point.ci95,
                             fmt::format("{}: {} images/s ({} to {})", describe(point), format_number(point.throughput),
                                         format_number(point.ci95.lo), format_number(point.ci95.hi)),
                             curve.sweep.points.size() > 1 && &point == &curve.sweep.knee(),
                             {}});
    lines.push_back(std::move(line));
  }
  return html_figure(
      "Throughput against batch",
      draw_chart(
          {.title = "Throughput against batch", .x_label = "batch", .y_label = "images/s", .log_y = far_apart(curves)},
          lines));
}

std::string latency_chart(const std::vector<Curve>& curves) {
  std::vector<ChartLine> lines;
  for (const auto& curve : curves) {
    auto line = line_of(curve);
    for (const auto& point : curve.sweep.points)
      if (point.latency_ms.p50 > 0)
        line.points.push_back({static_cast<double>(point.batch),
                               point.latency_ms.p50,
                               Interval{point.latency_ms.p50, point.latency_ms.p99},
                               fmt::format("{}: p50 {} ms, p99 {} ms", describe(point),
                                           format_number(point.latency_ms.p50), format_number(point.latency_ms.p99)),
                               false,
                               {}});
    if (!line.points.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) return "";
  return html_figure(
      "Latency of a batch, p50 to p99",
      draw_chart({.title = "Latency against batch", .x_label = "batch", .y_label = "ms", .log_y = true}, lines));
}

/// Accuracy beside speed. The front: no other precision is both faster and more often right.
std::string pareto_chart(const std::vector<Curve>& curves) {
  std::vector<ChartLine> lines;
  for (const auto& curve : curves) {
    const auto& best = curve.sweep.fastest();
    if (!best.accuracy) continue;
    const auto share = wilson(best.accuracy->top1, best.accuracy->images);
    const double top1 = 100 * best.accuracy->top1_share();
    auto line = line_of(curve);
    line.points.push_back(
        {best.throughput, top1, Interval{100 * share.lo, 100 * share.hi},
         fmt::format("{}: {} images/s, {:.1f} % right", describe(best), format_number(best.throughput), top1), false,
         best.ci95});
    lines.push_back(std::move(line));
  }
  if (lines.size() < 2) return "";
  for (auto& line : lines) {
    auto& mine = line.points.front();
    mine.marked = std::none_of(lines.begin(), lines.end(), [&](const ChartLine& other) {
      const auto& point = other.points.front();
      return point.x >= mine.x && point.y >= mine.y && (point.x > mine.x || point.y > mine.y);
    });
  }
  return html_figure("Accuracy beside speed", draw_chart({.title = "Accuracy beside speed",
                                                          .x_label = "images/s",
                                                          .y_label = "top-1, %",
                                                          .batches = false,
                                                          .y_from_zero = false,
                                                          .joined = false,
                                                          .labelled = true},
                                                         lines));
}

/// The layers that take longest, and what is left.
std::string profile_part(const Profile& profile, bool open) {
  constexpr std::size_t kShown = 10;
  auto layers = profile.layers;
  const double total =
      std::accumulate(layers.begin(), layers.end(), 0.0, [](double sum, auto& x) { return sum + x.ms; });
  if (!(total > 0)) return "";
  std::stable_sort(layers.begin(), layers.end(), [](auto& a, auto& b) { return a.ms > b.ms; });
  auto html = fmt::format(
      "<details{}><summary>{} on {} at batch {}: {} ms over {} layers, timed one by one</summary>\n<div "
      "class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">layer</th><th scope=\"col\" "
      "class=\"words\">kernel</th><th "
      "scope=\"col\">ms</th><th scope=\"col\">share</th><th></th><th scope=\"col\" "
      "class=\"words\">problem</th></tr></thead>\n<tbody>\n",
      open ? " open" : "", escape_html(profile.precision), escape_html(profile.device), profile.batch,
      format_number(total), layers.size());
  const auto row = [&](const std::string& name, const std::string& kernel, double ms, const std::string& problem) {
    html += fmt::format(
        "<tr><td>{}</td><td class=\"words\">{}</td><td>{}</td><td>{}</td><td class=\"words\"><span class=\"share\" "
        "style=\"width:{:.2f}rem\"></span></td><td class=\"long\">{}</td></tr>\n",
        escape_html(name), escape_html(kernel), format_number(ms), format_percent(ms / total), 20 * ms / total,
        escape_html(problem));
  };
  double rest = total;
  for (std::size_t i = 0; i < std::min(kShown, layers.size()); ++i) {
    row(layers[i].node, layers[i].kernel, layers[i].ms, layers[i].problem);
    rest -= layers[i].ms;
  }
  if (layers.size() > kShown) row(fmt::format("{} others", layers.size() - kShown), "", rest, "");
  return html + "</tbody></table></div></details>\n";
}

std::string profiles_part(const Results& results, const std::string& model) {
  constexpr std::ptrdiff_t kFew = 3;  // that lie open
  const auto here = [&](const Profile& profile) { return profile.model == model; };
  const bool open = std::count_if(results.profiles.begin(), results.profiles.end(), here) <= kFew;
  std::string html;
  for (const auto& profile : results.profiles)
    if (here(profile)) html += profile_part(profile, open);
  return html.empty() ? "" : "<h3>Where the time goes</h3>\n" + html;
}

/// The series of each row of result_rows(): they follow the sweeps.
std::vector<int> series_of_rows(const std::vector<Curve>& curves) {
  std::vector<int> series;
  for (const auto& curve : curves) series.insert(series.end(), curve.sweep.points.size(), curve.series);
  return series;
}

}  // namespace

std::string model_section(const Study& study, const std::string& model, const std::optional<Slo>& slo) {
  const auto& results = study.all;
  const auto curves = curves_of(results, model);
  auto html = fmt::format("<section>\n<h2>{}</h2>\n<div class=\"advice\">\n", escape_html(model));
  for (const auto& advice : advise(results, model, slo))
    html += fmt::format("<p><b>{}</b> {}</p>\n", escape_html(advice.topic), escape_html(advice.text));
  html += "</div>\n" + legend(curves) + "<div class=\"charts\">\n" + throughput_chart(curves) + latency_chart(curves) +
          pareto_chart(curves) + "</div>\n" +
          html_paragraph(
              "Bars are 95 % intervals, and of latencies reach from the median up to p99. Rings mark the knee of a "
              "sweep; where "
              "accuracy stands beside speed, each at its fastest batch, they mark the Pareto front.",
              "soft");
  if (const auto rows = peer_rows(results, model); rows.size() > 1)
    html += "<h3>Beside other engines, images/s</h3>\n" + html_table(rows) +
            html_paragraph("Ratio of " + peer_summary(results, model) + ".", "soft");
  if (const auto rows = scaling_rows(results, model); rows.size() > 1)
    html += "<h3>Scaling over devices</h3>\n" + html_table(rows) +
            html_paragraph(
                "Devices of a set work at the same time, each with an engine of its own. Efficiency is the set's "
                "throughput over that of so many first devices alone.",
                "soft");
  if (const auto rows = accuracy_rows(results, model); rows.size() > 1)
    html +=
        "<h3>Accuracy</h3>\n" + html_table(rows) +
        html_paragraph(
            "In brackets the 95 % interval for a set of this size (Wilson). Lost: right in FP32, wrong here; gained: "
            "the reverse.",
            "soft");
  html += "<h3>Every point</h3>\n" + html_table(result_rows(results, model), series_of_rows(curves));
  html += profiles_part(results, model);
  if (const auto rows = memory_rows(results, model); rows.size() > 1)
    html += "<h3>Memory at batches that were not run, projected</h3>\n" + html_table(rows);
  return html + "</section>\n";
}

}  // namespace halftone
