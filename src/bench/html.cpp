#include "bench/html.h"

#include <fmt/format.h>

#include <algorithm>

namespace halftone {
namespace {

bool is_words(const Rows& rows, std::size_t column) {
  return std::any_of(rows.begin() + 1, rows.end(),
                     [&](auto& row) { return !row[column].empty() && !is_figure(row[column]); });
}

/// A cell's text that has to break over lines, so that the table stays as wide as the page.
bool is_long(const std::string& text) { return text.size() > 40; }

}  // namespace

std::string html_table(const Rows& rows, const std::vector<int>& series) {
  std::vector<std::string> classes;
  for (std::size_t column = 0; column < rows[0].size(); ++column)
    classes.emplace_back(is_words(rows, column) ? " class=\"words\"" : "");
  std::string html =
      fmt::format("<div class=\"scroll\"><table{}>\n<thead><tr>", rows.size() > 2 ? " class=\"sortable\"" : "");
  for (std::size_t column = 0; column < rows[0].size(); ++column)
    html += fmt::format("<th scope=\"col\"{}>{}</th>", classes[column], escape_html(rows[0][column]));
  html += "</tr></thead>\n<tbody>\n";
  for (std::size_t row = 1; row < rows.size(); ++row) {
    html += series.empty() ? "<tr>" : fmt::format("<tr data-series=\"{}\">", series[row - 1]);
    for (std::size_t column = 0; column < rows[row].size(); ++column)
      html += fmt::format("<td{}>{}</td>", is_long(rows[row][column]) ? " class=\"long\"" : classes[column],
                          escape_html(rows[row][column]));
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string html_figure(const std::string& caption, const std::string& svg) {
  return "<figure><figcaption>" + escape_html(caption) + "</figcaption>" + svg + "</figure>\n";
}

std::string html_paragraph(const std::string& text, const std::string& css_class) {
  return (css_class.empty() ? "<p>" : "<p class=\"" + css_class + "\">") + escape_html(text) + "</p>\n";
}

}  // namespace halftone
