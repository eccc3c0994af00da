#include "bench/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace halftone {
namespace {

constexpr double kWidth = 640, kHeight = 360;
constexpr double kLeft = 64, kRight = 96, kTop = 36, kBottom = 48;

/// Ticks at 1, 2 or 5 times a power of ten, about five up to `top`.
std::vector<double> linear_ticks(double top) {
  const double rough = top / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough) step = factor * power;
  std::vector<double> ticks;
  for (int i = 0; step * i < top + step; ++i) ticks.push_back(step * i);
  return ticks;
}

std::vector<double> log_ticks(double lo, double hi) {
  std::vector<double> ticks;
  for (double power = std::pow(10.0, std::floor(std::log10(lo))); power < hi * 10; power *= 10)
    for (const double factor : {1.0, 2.0, 5.0}) ticks.push_back(factor * power);
  const auto first = std::upper_bound(ticks.begin(), ticks.end(), lo * (1 + 1e-9)) - 1;
  const auto last = std::lower_bound(ticks.begin(), ticks.end(), hi * (1 - 1e-9));
  return {std::max(first, ticks.begin()), std::min(last + 1, ticks.end())};
}

/// Maps values to the drawing.
struct Axes {
  double x_lo = 0, x_hi = 1, y_lo = 0, y_hi = 1;
  bool log_y = false;
  double x(double value) const {
    const double share = x_hi > x_lo ? (std::log2(value) - x_lo) / (x_hi - x_lo) : 0.5;
    return kLeft + share * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    const double at = log_y ? std::log10(std::max(value, 1e-300)) : value;
    return kHeight - kBottom - std::clamp((at - y_lo) / (y_hi - y_lo), 0.0, 1.0) * (kHeight - kTop - kBottom);
  }
};

std::string draw_line(const ChartLine& line, std::size_t index, const Axes& axes) {
  auto svg = fmt::format("<g class=\"s{}\">", index % 8);
  std::string path;
  for (const auto& point : line.points)
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", axes.x(point.x), axes.y(point.y));
  svg += fmt::format("<path class=\"line\" d=\"{}\"/>", path);
  for (const auto& point : line.points) {
    const double x = axes.x(point.x);
    if (point.interval.hi > point.interval.lo)
      svg +=
          fmt::format("<path class=\"bar\" d=\"M{0:.1f} {1:.1f} V{2:.1f} M{3:.1f} {1:.1f} h6 M{3:.1f} {2:.1f} h6\"/>",
                      x, axes.y(point.interval.lo), axes.y(point.interval.hi), x - 3);
    if (point.marked)
      svg += fmt::format("<circle class=\"ring\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"8\"/>", x, axes.y(point.y));
    svg += fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"><title>{}</title></circle>", x,
                       axes.y(point.y), escape_html(point.note));
  }
  return svg + "</g>";
}

/// The labels at the lines' right ends, moved apart where they would overlap.
std::string draw_labels(const std::vector<ChartLine>& lines, const Axes& axes) {
  struct Label {
    double y;
    std::size_t line;
  };
  std::vector<Label> labels;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!lines[i].points.empty()) labels.push_back({axes.y(lines[i].points.back().y), i});
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.y < b.y; });
  for (std::size_t i = 1; i < labels.size(); ++i) labels[i].y = std::max(labels[i].y, labels[i - 1].y + 15);
  if (!labels.empty()) {
    const double excess = std::max(0.0, labels.back().y - (kHeight - kBottom));
    for (auto& label : labels) label.y -= excess;
  }
  std::string svg;
  for (const auto& label : labels) {
    const auto& line = lines[label.line];
    svg += fmt::format("<text class=\"name s{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", label.line % 8,
                       axes.x(line.points.back().x) + 12, label.y + 4, escape_html(line.label));
  }
  return svg;
}

}  // namespace

std::string escape_html(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

std::string line_chart(const std::string& title, const std::string& x_label, const std::string& y_label,
                       const std::vector<ChartLine>& lines, bool log_y) {
  std::set<double> xs;
  double lowest = INFINITY, highest = 0;
  for (const auto& line : lines)
    for (const auto& point : line.points) {
      ASSERT(point.x > 0 && (!log_y || point.y > 0));
      xs.insert(point.x);
      const bool has_bar = point.interval.hi > point.interval.lo;
      lowest = std::min(lowest, has_bar && point.interval.lo > 0 ? std::min(point.y, point.interval.lo) : point.y);
      highest = std::max(highest, has_bar ? std::max(point.y, point.interval.hi) : point.y);
    }
  ASSERT(!xs.empty());
  if (!(highest > 0)) highest = 1;
  const auto ticks = log_y ? log_ticks(lowest, highest) : linear_ticks(highest);
  Axes axes{std::log2(*xs.begin()), std::log2(*xs.rbegin()), ticks.front(), ticks.back(), log_y};
  if (log_y) axes.y_lo = std::log10(axes.y_lo), axes.y_hi = std::log10(axes.y_hi);
  if (!(axes.y_hi > axes.y_lo)) axes.y_hi = axes.y_lo + 1;

  auto svg =
      fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", kWidth, kHeight, escape_html(title));
  svg += fmt::format("<text class=\"title\" x=\"{}\" y=\"18\">{}</text>", kLeft, escape_html(title));
  for (const double tick : ticks)
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0} {1:.1f} H{2}\"/><text class=\"tick\" x=\"{3}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5}</text>",
        kLeft, axes.y(tick), kWidth - kRight, kLeft - 8, axes.y(tick) + 4, fmt::format("{:g}", tick));
  for (const double x : xs)
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", axes.x(x),
                       kHeight - kBottom + 18, x);
  svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                     (kLeft + kWidth - kRight) / 2, kHeight - 8, escape_html(x_label));
  svg += fmt::format(
      "<text class=\"tick\" transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
      (kTop + kHeight - kBottom) / 2, escape_html(y_label));
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!lines[i].points.empty()) svg += draw_line(lines[i], i, axes);
  return svg + draw_labels(lines, axes) + "</svg>";
}

}  // namespace halftone
