#include "bench/table.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace halftone {
namespace {

/// Columns a UTF-8 text takes, one a code point: what the tables hold has no wide characters.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::vector<std::size_t> widths_of(const Rows& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    ASSERT(row.size() == widths.size());
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  return widths;
}

std::size_t total_width(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), 2 * (widths.size() - 1));
}

std::string records(const Rows& rows) {
  std::string text;
  for (std::size_t row = 1; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < rows[0].size(); ++i)
      if (!rows[row][i].empty()) text += rows[0][i] + ": " + rows[row][i] + "\n";
    text += "\n";
  }
  return text;
}

}  // namespace

std::string text_table(const Rows& rows, int width) {
  if (rows.empty()) return "";
  const auto widths = widths_of(rows);
  std::vector<bool> right(rows[0].size(), rows.size() > 1);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (row > 0 && !rows[row][i].empty() && !is_figure(rows[row][i])) right[i] = false;
    }
  }
  const auto total = total_width(widths);
  if (width > 0 && total > static_cast<std::size_t>(width)) return records(rows);
  std::string text;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string blanks(widths[i] - columns(rows[row][i]), ' ');
      if (i > 0) line += "  ";
      line += right[i] ? blanks + rows[row][i] : rows[row][i] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (row == 0) text += std::string(total, '-') + "\n";
  }
  return text;
}

std::string results_table(const Results& results, const std::string& model, int width) {
  auto rows = result_rows(results, model);
  // A narrow window first loses what is least often looked for, before rows fall apart into records.
  for (const auto* column : {"p95 ms", "p90 ms", "MHz", "output differs", "memory", "p99 ms"}) {
    if (width == 0 || total_width(widths_of(rows)) <= static_cast<std::size_t>(width)) break;
    const auto at = std::find(rows[0].begin(), rows[0].end(), column) - rows[0].begin();
    if (static_cast<std::size_t>(at) == rows[0].size()) continue;
    for (auto& row : rows) row.erase(row.begin() + at);
  }
  return text_table(rows, width);
}

std::string accuracy_table(const Results& results, const std::string& model, int width) {
  const auto rows = accuracy_rows(results, model);
  return rows.size() > 1 ? text_table(rows, width) : "";
}

}  // namespace halftone
