#pragma once
#include <string>
#include <vector>

#include "bench/chart.h"
#include "bench/rows.h"

namespace halftone {

/// A table; sortable by the page's script where it has several rows. Columns of words and columns of numbers stand on
/// their own sides. `series` gives each row's data-series, or is empty.
std::string html_table(const Rows& rows, const std::vector<int>& series = {});

/// A caption over a drawing.
std::string html_figure(const std::string& caption, const std::string& svg);

/// "<p class=…>…</p>", escaped; without a class where it is empty.
std::string html_paragraph(const std::string& text, const std::string& css_class = "");

}  // namespace halftone
