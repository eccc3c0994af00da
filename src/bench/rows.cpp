#include "bench/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "bench/format.h"
#include "bench/memory.h"

namespace halftone {
namespace {

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
  if (rows.size() < 2) return;
  for (const auto name : candidates) {
    const auto at = std::find(rows[0].begin(), rows[0].end(), name) - rows[0].begin();
    const bool plain = std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) {
      return row[static_cast<std::size_t>(at)] == rows[1][static_cast<std::size_t>(at)];
    });
    if (!plain) continue;
    for (auto& row : rows) row.erase(row.begin() + at);
  }
}

/// Drops columns that are empty in every row.
void drop_empty_columns(Rows& rows) {
  for (std::size_t at = rows[0].size(); at-- > 0;)
    if (std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) { return row[at].empty(); }))
      for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The point that `point` would be after `change`, where it was measured.
template <typename Change>
const Result* sibling(const std::vector<Sweep>& sweeps, Result point, Change change) {
  change(point);
  const auto key = [](const Result& item) {
    return std::tie(item.model, item.engine, item.device, item.precision, item.batch, item.threads, item.sessions);
  };
  for (const auto& sweep : sweeps)
    for (const auto& other : sweep.points)
      if (key(other) == key(point)) return &other;
  return nullptr;
}

/// What `device` reaches at its best, over threads and sessions, where `point` was measured on another.
const Result* best_on(const std::vector<Sweep>& sweeps, const Result& point, const std::string& device) {
  const Result* best = nullptr;
  const auto key = [](const Result& item) { return std::tie(item.model, item.engine, item.precision, item.batch); };
  for (const auto& sweep : sweeps)
    for (const auto& other : sweep.points)
      if (other.device == device && key(other) == key(point) && (!best || best->throughput < other.throughput))
        best = &other;
  return best;
}

std::string beside(const Result& point, const Result* base) {
  if (base == nullptr) return "";
  return ratio_text(ratio_of(point.throughput, point.ci95, base->throughput, base->ci95));
}

struct PeerRow {
  const Result* ours;
  std::vector<const Result*> theirs;  ///< by engine
  const Result* best;
};

/// One a point of ours that some other engine was measured at, too.
std::vector<PeerRow> peers_of(const std::vector<Sweep>& sweeps, const std::string& model,
                              std::vector<std::string>& engines) {
  for (const auto& sweep : sweeps)
    if (sweep.model == model && sweep.engine != "halftone" &&
        std::find(engines.begin(), engines.end(), sweep.engine) == engines.end())
      engines.push_back(sweep.engine);
  std::vector<PeerRow> rows;
  for (const auto& sweep : sweeps) {
    if (sweep.model != model || sweep.engine != "halftone") continue;
    for (const auto& point : sweep.points) {
      PeerRow row{&point, {}, nullptr};
      for (const auto& engine : engines) {
        row.theirs.push_back(sibling(sweeps, point, [&](Result& other) { other.engine = engine; }));
        const auto* other = row.theirs.back();
        if (other != nullptr && (row.best == nullptr || row.best->throughput < other->throughput)) row.best = other;
      }
      if (row.best != nullptr) rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

bool is_figure(const std::string& text) {
  return !text.empty() &&
         (text[0] == '-' || text[0] == '+' || (text[0] >= '0' && text[0] <= '9') || text.starts_with("–") ||
          text.starts_with("< ") || text.starts_with("±") || text.starts_with("level"));
}

std::string ratio_text(const Ratio& ratio) {
  const int decimals = ratio.value < 100 ? 2 : 0;
  return fmt::format("{}{:.{}f} ({:.{}f}–{:.{}f})", ratio.certain() ? "" : "level, ", ratio.value, decimals,
                     ratio.interval.lo, decimals, ratio.interval.hi, decimals);
}

Rows result_rows(const Results& results, const std::string& model) {
  Rows rows{{"engine",
             "device",
             "precision",
             "threads",
             "sessions",
             "batch",
             "images/s",
             "95 % interval",
             "× FP32",
             "× first device",
             "p50 ms",
             "p90 ms",
             "p95 ms",
             "p99 ms",
             "end to end, images/s",
             "with copies, images/s",
             "memory",
             "images/J",
             "MHz",
             "output differs",
             "knee"}};
  const auto sweeps = sweeps_of(results);
  const auto first = std::find_if(sweeps.begin(), sweeps.end(), [&](auto& sweep) { return sweep.model == model; });
  const auto percent = [](double share) { return share < 1e-5 ? "< 0.001 %" : fmt::format("{:.2g} %", 100 * share); };
  for (const auto& sweep : sweeps) {
    if (sweep.model != model) continue;
    for (const auto& point : sweep.points) {
      const auto* fp32 =
          point.precision == "fp32" ? nullptr : sibling(sweeps, point, [](Result& other) { other.precision = "fp32"; });
      const auto* there = point.device == first->device ? nullptr : best_on(sweeps, point, first->device);
      rows.push_back({point.engine,
                      point.device,
                      point.precision,
                      std::to_string(point.threads),
                      std::to_string(point.sessions),
                      std::to_string(point.batch),
                      format_number(point.throughput),
                      interval_text(point.ci95),
                      beside(point, fp32),
                      beside(point, there),
                      format_number(point.latency_ms.p50),
                      format_number(point.latency_ms.p90),
                      format_number(point.latency_ms.p95),
                      format_number(point.latency_ms.p99),
                      optional_number(point.end_to_end),
                      optional_number(point.host_to_host),
                      point.memory_bytes ? format_bytes(*point.memory_bytes) : "",
                      optional_number(point.images_per_joule),
                      optional_number(point.clock_mhz),
                      point.output_difference ? percent(*point.output_difference) : "",
                      &point == &sweep.knee() && sweep.points.size() > 1 ? "knee" : ""});
    }
  }
  drop_empty_columns(rows);
  drop_plain_columns(rows, {"engine", "device", "threads", "sessions"});
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
  drop_plain_columns(rows, {"engine", "device"});
  return rows;
}

Rows peer_rows(const Results& results, const std::string& model) {
  std::vector<std::string> engines;
  const auto sweeps = sweeps_of(results);
  const auto found = peers_of(sweeps, model, engines);
  Rows rows{{"device", "precision", "threads", "sessions", "batch", "halftone"}};
  rows[0].insert(rows[0].end(), engines.begin(), engines.end());
  rows[0].emplace_back("ours / best other");
  for (const auto& [ours, theirs, best] : found) {
    rows.push_back({ours->device, ours->precision, std::to_string(ours->threads), std::to_string(ours->sessions),
                    std::to_string(ours->batch), format_number(ours->throughput)});
    for (const auto* other : theirs) rows.back().push_back(other == nullptr ? "–" : format_number(other->throughput));
    rows.back().push_back(ratio_text(ratio_of(ours->throughput, ours->ci95, best->throughput, best->ci95)));
  }
  drop_plain_columns(rows, {"device", "threads", "sessions"});
  return rows;
}

std::string peer_summary(const Results& results, const std::string& model) {
  std::vector<std::string> engines;
  const auto sweeps = sweeps_of(results);
  std::vector<double> ratios;
  double below = 0, above = 0;  // squares of the distances to the intervals' ends, in logarithms
  for (const auto& row : peers_of(sweeps, model, engines)) {
    const auto ratio = ratio_of(row.ours->throughput, row.ours->ci95, row.best->throughput, row.best->ci95);
    if (!(ratio.interval.lo > 0) || !std::isfinite(ratio.interval.hi)) continue;
    ratios.push_back(ratio.value);
    below += std::pow(std::log(ratio.value / ratio.interval.lo), 2);
    above += std::pow(std::log(ratio.interval.hi / ratio.value), 2);
  }
  if (ratios.empty()) return "";
  const double mean = geometric_mean(ratios);
  const auto count = static_cast<double>(ratios.size());
  return fmt::format(
      "ours over the best other engine: geometric mean over {} cell{} {:.2f} ({:.2f}–{:.2f}), smallest {:.2f}",
      ratios.size(), ratios.size() == 1 ? "" : "s", mean, mean * std::exp(-std::sqrt(below) / count),
      mean * std::exp(std::sqrt(above) / count), *std::min_element(ratios.begin(), ratios.end()));
}

Rows memory_rows(const Results& results, const std::string& model) {
  std::vector<std::pair<Sweep, std::vector<MemoryProjection>>> found;
  std::set<int> batches;
  for (const auto& sweep : sweeps_of(results)) {
    auto projections = project_memory(sweep);
    if (sweep.model != model || projections.empty()) continue;
    for (const auto& item : projections) batches.insert(item.batch);
    found.emplace_back(sweep, std::move(projections));
  }
  Rows rows{{"engine", "device", "precision", "threads", "sessions"}};
  for (const int batch : batches) rows[0].push_back(fmt::format("batch {}", batch));
  rows[0].emplace_back("error of the fit");
  for (const auto& [sweep, projections] : found) {
    rows.push_back(
        {sweep.engine, sweep.device, sweep.precision, std::to_string(sweep.threads), std::to_string(sweep.sessions)});
    for (const int batch : batches) {
      const auto at =
          std::find_if(projections.begin(), projections.end(), [&](auto& item) { return item.batch == batch; });
      rows.back().push_back(at == projections.end() ? "–" : format_bytes(static_cast<std::uint64_t>(at->bytes)));
    }
    rows.back().push_back("± " + format_bytes(static_cast<std::uint64_t>(projections.front().error)));
  }
  drop_plain_columns(rows, {"engine", "device", "threads", "sessions"});
  return rows;
}

}  // namespace halftone
