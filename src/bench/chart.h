#pragma once
#include <string>
#include <vector>

#include "bench/statistics.h"

namespace halftone {

struct ChartPoint {
  double x = 0;
  double y = 0;
  Interval interval;    ///< drawn as a bar where hi > lo
  std::string note;     ///< what the pointer shows
  bool marked = false;  ///< drawn as a ring
};

struct ChartLine {
  std::string label;
  std::vector<ChartPoint> points;  ///< ascending x
};

/// A line chart as one <svg> element: x on a base-2 logarithmic axis with a tick a distinct x, y from 0, or on a
/// logarithmic axis where `log_y`. Line i has the class "s<i mod 8>", for the page's colours. All x positive (and y
/// where `log_y`); at least one point. Text is escaped.
std::string line_chart(const std::string& title, const std::string& x_label, const std::string& y_label,
                       const std::vector<ChartLine>& lines, bool log_y = false);

/// Text made safe between tags and in quoted attributes.
std::string escape_html(const std::string& text);

}  // namespace halftone
