#include "bench/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace halftone {
namespace {

constexpr double kWidth = 480, kHeight = 320;
constexpr double kLeft = 64, kRight = 20, kTop = 14, kBottom = 52;

/// Ticks at 1, 2 or 5 times a power of ten, about five that take in `low` and `high`.
std::vector<double> linear_ticks(double low, double high) {
  const double rough = (high - low) / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough) step = factor * power;
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  for (int i = 0; step * (first + i) < high + step * (1 - 1e-9); ++i) ticks.push_back(step * (first + i));
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

bool is_bar(const Interval& interval) { return interval.hi > interval.lo; }

/// Maps values to the drawing.
struct Axes {
  bool batches = true, log_y = false;
  std::vector<double> x_ticks, y_ticks;
  double share(double value, const std::vector<double>& ticks, double (*scale)(double)) const {
    const double low = scale(ticks.front()), high = scale(ticks.back());
    return high > low ? std::clamp((scale(value) - low) / (high - low), 0.0, 1.0) : 0.5;
  }
  double x(double value) const {
    const auto scale = batches ? +[](double v) { return std::log2(v); } : +[](double v) { return v; };
    return kLeft + share(value, x_ticks, scale) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    const auto scale = log_y ? +[](double v) { return std::log10(std::max(v, 1e-300)); } : +[](double v) { return v; };
    return kHeight - kBottom - share(value, y_ticks, scale) * (kHeight - kTop - kBottom);
  }
};

/// What the points and their bars span.
struct Span {
  double low = INFINITY, high = -INFINITY;
  void take(double value, const Interval& interval) {
    low = std::min({low, value, is_bar(interval) ? interval.lo : value});
    high = std::max({high, value, is_bar(interval) ? interval.hi : value});
  }
};

Axes axes_of(const ChartStyle& style, const std::vector<ChartLine>& lines) {
  Axes axes{style.batches, style.log_y, {}, {}};
  std::set<double> xs;
  Span x, y;
  for (const auto& line : lines)
    for (const auto& point : line.points) {
      ASSERT(!style.batches || point.x > 0);
      xs.insert(point.x);
      x.take(point.x, point.x_interval);
      y.take(point.y, style.log_y && !(point.interval.lo > 0) ? Interval() : point.interval);
    }
  ASSERT(!xs.empty());
  if (style.batches) axes.x_ticks.assign(xs.begin(), xs.end());
  else axes.x_ticks = linear_ticks(0, x.high > 0 ? x.high : 1);
  if (style.log_y) axes.y_ticks = log_ticks(y.low, y.high);
  else if (style.y_from_zero) axes.y_ticks = linear_ticks(0, y.high > 0 ? y.high : 1);
  else axes.y_ticks = linear_ticks(y.low, y.high > y.low ? y.high : y.low + 1);
  return axes;
}

std::string tick_text(double tick) {
  return tick >= 10'000 ? fmt::format("{:g}k", tick / 1000) : fmt::format("{:g}", tick);
}

std::string draw_frame(const ChartStyle& style, const Axes& axes) {
  std::string svg;
  for (const double tick : axes.y_ticks)
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0} {1:.1f} H{2}\"/><text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>",
        kLeft, axes.y(tick), kWidth - kRight, kLeft - 8, axes.y(tick) + 4, tick_text(tick));
  double last = -100;
  for (const double tick : axes.x_ticks) {
    const double at = axes.x(tick);
    if (at - last < 30) continue;  // labels would touch
    last = at;
    svg +=
        fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>", at, kHeight - kBottom + 20, tick);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", (kLeft + kWidth - kRight) / 2,
                     kHeight - 8, escape_html(style.x_label));
  return svg + fmt::format("<text transform=\"translate(16 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                           (kTop + kHeight - kBottom) / 2, escape_html(style.y_label));
}

std::string draw_point(const ChartPoint& point, const Axes& axes) {
  const double x = axes.x(point.x), y = axes.y(point.y);
  std::string svg;
  if (is_bar(point.interval))
    svg += fmt::format("<path class=\"bar\" d=\"M{0:.1f} {1:.1f} V{2:.1f} M{3:.1f} {1:.1f} h6 M{3:.1f} {2:.1f} h6\"/>",
                       x, axes.y(point.interval.lo), axes.y(point.interval.hi), x - 3);
  if (is_bar(point.x_interval))
    svg += fmt::format("<path class=\"bar\" d=\"M{1:.1f} {0:.1f} H{2:.1f} M{1:.1f} {3:.1f} v6 M{2:.1f} {3:.1f} v6\"/>",
                       y, axes.x(point.x_interval.lo), axes.x(point.x_interval.hi), y - 3);
  if (point.marked) svg += fmt::format("<circle class=\"ring\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"8\"/>", x, y);
  return svg + fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\"><title>{}</title></circle>", x,
                           y, escape_html(point.note));
}

std::string draw_line(const ChartLine& line, const ChartStyle& style, const Axes& axes) {
  auto svg = fmt::format("<g class=\"s{} d{}\" data-series=\"{}\">", line.color % 8, line.dash % 6, line.series);
  if (style.joined && line.points.size() > 1) {
    std::string path;
    for (const auto& point : line.points)
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", axes.x(point.x), axes.y(point.y));
    svg += fmt::format("<path class=\"line\" d=\"{}\"/>", path);
  }
  for (const auto& point : line.points) svg += draw_point(point, axes);
  return svg + "</g>";
}

/// The lines' labels beside their first points, moved up where one would lie over another.
std::string draw_labels(const std::vector<ChartLine>& lines, const Axes& axes) {
  struct Box {
    double left, right, y;
  };
  constexpr double kGlyph = 9, kHigh = 17;
  std::vector<Box> boxes;
  std::string svg;
  for (const auto& line : lines) {
    const double x = axes.x(line.points.front().x);
    const bool leftwards = x > (kLeft + kWidth) / 2;
    const double start = leftwards ? x - 10 : x + 10;
    const double length = kGlyph * static_cast<double>(line.label.size());
    Box box{leftwards ? start - length : start, leftwards ? start : start + length, axes.y(line.points.front().y) - 8};
    const auto lies_over = [&](const Box& other) {
      return box.left < other.right && other.left < box.right && std::abs(box.y - other.y) < kHigh;
    };
    while (std::any_of(boxes.begin(), boxes.end(), lies_over)) box.y -= kHigh;
    boxes.push_back(box);
    svg += fmt::format(
        "<text class=\"name s{} d{}\" data-series=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>",
        line.color % 8, line.dash % 6, line.series, start, box.y, leftwards ? "end" : "start", escape_html(line.label));
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

std::string draw_chart(const ChartStyle& style, const std::vector<ChartLine>& lines) {
  const auto axes = axes_of(style, lines);
  auto svg = fmt::format("<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", kWidth, kHeight,
                         escape_html(style.title)) +
             draw_frame(style, axes);
  for (const auto& line : lines)
    if (!line.points.empty()) svg += draw_line(line, style, axes);
  if (style.labelled) svg += draw_labels(lines, axes);
  return svg + "</svg>";
}

std::string draw_swatch(int color, int dash) {
  return fmt::format(
      "<svg class=\"s{} d{}\" viewBox=\"0 0 56 12\" aria-hidden=\"true\"><path class=\"line\" d=\"M0 6 H56\"/><circle "
      "class=\"dot\" cx=\"28\" cy=\"6\" r=\"4\"/></svg>",
      color % 8, dash % 6);
}

}  // namespace halftone
