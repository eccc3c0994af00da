#pragma once
#include <string>
#include <vector>

#include "bench/statistics.h"

namespace halftone {

struct ChartPoint {
  double x = 0;
  double y = 0;
  Interval interval;    ///< of y, drawn as a bar where hi > lo
  std::string note;     ///< what the pointer shows
  bool marked = false;  ///< drawn as a ring
  Interval x_interval;  ///< of x, drawn as a bar where hi > lo
};

struct ChartLine {
  std::string label;
  std::vector<ChartPoint> points;
  int series = 0;  ///< what a legend calls it: the element's data-series
  int color = 0;   ///< the page's class s0 … s7
  int dash = 0;    ///< the page's class d0 … d5
};

struct ChartStyle {
  std::string title;  ///< for those who do not see the drawing
  std::string x_label, y_label;
  bool batches = true;      ///< x on a base-2 logarithmic axis with a tick a distinct x; else linear from 0
  bool log_y = false;       ///< all y positive
  bool y_from_zero = true;  ///< else from just below the lowest
  bool joined = true;       ///< lines between the points of a line
  bool labelled = false;    ///< each line's label beside its first point, which it must have
};

/// A chart as one <svg> element. All x positive where `batches`; at least one point. Text is escaped.
std::string draw_chart(const ChartStyle& style, const std::vector<ChartLine>& lines);

/// A piece of a line as a legend shows it.
std::string draw_swatch(int color, int dash);

/// Text made safe between tags and in quoted attributes.
std::string escape_html(const std::string& text);

}  // namespace halftone
