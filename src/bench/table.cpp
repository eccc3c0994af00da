#include "bench/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "bench/format.h"

namespace halftone {
namespace {

/// Columns a UTF-8 text takes, one a code point: what the tables hold has no wide characters.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && (text[0] == '-' || text[0] == '+' || (text[0] >= '0' && text[0] <= '9'));
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

std::string interval_text(const Interval& interval) {
  return format_number(interval.lo) + "–" + format_number(interval.hi);
}

std::string optional_number(const std::optional<double>& value) { return value ? format_number(*value) : ""; }

std::string share_text(std::int64_t right, std::int64_t images) {
  const auto interval = wilson(right, images);
  return fmt::format("{:.1f} % ({:.1f}–{:.1f})", 100.0 * static_cast<double>(right) / static_cast<double>(images),
                     100 * interval.lo, 100 * interval.hi);
}

/// Drops columns that say the same in every row (or nothing).
void drop_plain_columns(Rows& rows, std::initializer_list<std::string_view> candidates) {
  for (const auto name : candidates) {
    const auto at = std::find(rows[0].begin(), rows[0].end(), name) - rows[0].begin();
    const bool plain = std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) {
      return row[static_cast<std::size_t>(at)] == rows[1][static_cast<std::size_t>(at)];
    });
    if (!plain) continue;
    for (auto& row : rows) row.erase(row.begin() + at);
  }
}

}  // namespace

std::string text_table(const Rows& rows, int width) {
  if (rows.empty()) return "";
  std::vector<std::size_t> widths(rows[0].size());
  std::vector<bool> right(rows[0].size(), rows.size() > 1);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ASSERT(rows[row].size() == widths.size());
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], columns(rows[row][i]));
      if (row > 0 && !rows[row][i].empty() && !is_number(rows[row][i])) right[i] = false;
    }
  }
  std::size_t total = 2 * (widths.size() - 1);
  for (const auto column : widths) total += column;
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

Rows result_rows(const Results& results, const std::string& model) {
  Rows rows{{"engine", "device", "precision", "threads", "sessions", "batch", "images/s", "95 % interval", "p50 ms",
             "p90 ms", "p95 ms", "p99 ms", "images/s end to end", "images/s with copies", "images/J", "MHz", "memory",
             "knee"}};
  for (const auto& sweep : sweeps_of(results)) {
    if (sweep.model != model) continue;
    for (const auto& point : sweep.points)
      rows.push_back({point.engine, point.device, point.precision, std::to_string(point.threads),
                      std::to_string(point.sessions), std::to_string(point.batch), format_number(point.throughput),
                      interval_text(point.ci95), format_number(point.latency_ms.p50),
                      format_number(point.latency_ms.p90), format_number(point.latency_ms.p95),
                      format_number(point.latency_ms.p99), optional_number(point.end_to_end),
                      optional_number(point.host_to_host), optional_number(point.images_per_joule),
                      optional_number(point.clock_mhz), point.memory_bytes ? format_bytes(*point.memory_bytes) : "",
                      &point == &sweep.knee() && sweep.points.size() > 1 ? "knee" : ""});
  }
  if (rows.size() > 1)
    drop_plain_columns(rows, {"engine", "device", "threads", "sessions", "images/s end to end", "images/s with copies",
                              "images/J", "MHz", "memory", "knee"});
  return rows;
}

Rows accuracy_rows(const Results& results, const std::string& model) {
  Rows rows{{"engine", "device", "precision", "images", "top-1", "top-5", "same as FP32", "lost", "gained"}};
  const auto key = [](const Result& result) { return std::tie(result.engine, result.device, result.precision); };
  std::vector<const Result*> seen;
  for (const auto& result : results.results) {
    if (result.model != model || !result.accuracy) continue;
    if (std::any_of(seen.begin(), seen.end(), [&](auto* other) { return key(*other) == key(result); })) continue;
    seen.push_back(&result);
    const auto& accuracy = *result.accuracy;
    rows.push_back({result.engine, result.device, result.precision, std::to_string(accuracy.images),
                    share_text(accuracy.top1, accuracy.images), share_text(accuracy.top5, accuracy.images), "", "",
                    ""});
    if (!accuracy.change) continue;
    rows.back()[6] = format_percent(static_cast<double>(accuracy.change->agree) / static_cast<double>(accuracy.images));
    rows.back()[7] = std::to_string(accuracy.change->lost);
    rows.back()[8] = std::to_string(accuracy.change->gained);
  }
  if (rows.size() > 1) drop_plain_columns(rows, {"engine", "device"});
  return rows;
}

std::string results_table(const Results& results, const std::string& model, int width) {
  return text_table(result_rows(results, model), width);
}

std::string accuracy_table(const Results& results, const std::string& model, int width) {
  const auto rows = accuracy_rows(results, model);
  return rows.size() > 1 ? text_table(rows, width) : "";
}

}  // namespace halftone
