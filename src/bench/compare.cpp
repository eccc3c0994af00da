#include "bench/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <tuple>

#include "bench/format.h"
#include "bench/noise.h"

namespace halftone {
namespace {

/// "Intel(R) Xeon(R) Platinum 8480+ CPU @ 2.00GHz" as "Intel Xeon Platinum 8480+".
std::string short_name(const std::string& name) {
  static const std::regex noise(R"(\((R|TM|r|tm)\)|\s+CPU\b|\s+Processor\b|\s+@.*|\s+[0-9]+-Core\b)");
  auto text = std::regex_replace(name, noise, "");
  return text.empty() ? "machine" : text;
}

auto row_key(const Cell& cell) { return std::tie(cell.model, cell.engine, cell.precision); }

/// Cells in runs that differ in batch alone.
std::vector<std::vector<const Cell*>> rows_of(const std::vector<Cell>& cells) {
  std::vector<std::vector<const Cell*>> rows;
  for (const auto& cell : cells) {
    if (rows.empty() || row_key(*rows.back().front()) != row_key(cell)) rows.emplace_back();
    rows.back().push_back(&cell);
  }
  return rows;
}

std::string label(const Cell& cell) {
  return cell.model + " " + cell.precision + (cell.engine == "halftone" ? "" : " in " + cell.engine);
}

/// Who leads in one cell.
struct Leader {
  int device = -1;  ///< -1: level
  Ratio lead;       ///< over the next
  int next = -1;
};

Leader leader_of(const Cell& cell) {
  std::vector<int> order;
  for (std::size_t i = 0; i < cell.best.size(); ++i)
    if (cell.best[i] != nullptr) order.push_back(static_cast<int>(i));
  const auto at = [&](int device) -> const Result& { return *cell.best[static_cast<std::size_t>(device)]; };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return at(a).throughput > at(b).throughput; });
  const auto &first = at(order[0]), &second = at(order[1]);
  const auto lead = ratio_of(first.throughput, first.ci95, second.throughput, second.ci95);
  return {lead.certain() ? order[0] : -1, lead, order[1]};
}

std::string batches_text(int from, int to, bool to_the_end) {
  if (to_the_end && from != to) return fmt::format("from batch {}", from);
  return from == to ? fmt::format("batch {}", from) : fmt::format("batch {} to {}", from, to);
}

std::size_t measured(const Cell& cell) {
  return static_cast<std::size_t>(std::count_if(cell.best.begin(), cell.best.end(), [](auto* item) { return item; }));
}

/// What each device reaches at each batch in whatever precision is its fastest there, where there are several.
std::vector<Cell> best_over_precisions(const std::vector<Cell>& cells) {
  std::vector<Cell> merged;
  std::set<std::string> precisions;
  for (const auto& cell : cells) {
    precisions.insert(cell.precision);
    auto at = std::find_if(merged.begin(), merged.end(), [&](const Cell& other) {
      return std::tie(other.model, other.engine, other.batch) == std::tie(cell.model, cell.engine, cell.batch);
    });
    if (at == merged.end()) {
      merged.push_back(cell);
      merged.back().precision = "in each device's fastest precision";
      continue;
    }
    for (std::size_t i = 0; i < cell.best.size(); ++i)
      if (cell.best[i] != nullptr && (at->best[i] == nullptr || at->best[i]->throughput < cell.best[i]->throughput))
        at->best[i] = cell.best[i];
  }
  if (precisions.size() < 2) return {};
  std::stable_sort(merged.begin(), merged.end(), [](const Cell& a, const Cell& b) {
    return std::tie(a.model, a.engine, a.batch) < std::tie(b.model, b.engine, b.batch);
  });
  return merged;
}

auto point_key(const Result& point) {
  return std::tie(point.model, point.engine, point.device, point.precision, point.batch, point.threads, point.sessions);
}

/// Files of one machine that measured different points, as one.
std::vector<Results> by_machine(std::span<const Results> files) {
  std::vector<Results> machines;
  for (const auto& file : files) {
    const auto repeats = [&](const Result& point) {
      return std::any_of(file.results.begin(), file.results.end(),
                         [&](const Result& other) { return point_key(other) == point_key(point); });
    };
    const auto same = std::find_if(machines.begin(), machines.end(), [&](const Results& other) {
      return other.machine.name == file.machine.name && other.machine.cores == file.machine.cores &&
             std::none_of(other.results.begin(), other.results.end(), repeats);
    });
    if (same == machines.end()) {
      machines.push_back(file);
      continue;
    }
    const auto append = [](auto& list, const auto& more) { list.insert(list.end(), more.begin(), more.end()); };
    append(same->results, file.results);
    append(same->absent, file.absent);
    append(same->profiles, file.profiles);
    for (const auto& note : file.notes)
      if (std::find(same->notes.begin(), same->notes.end(), note) == same->notes.end()) same->notes.push_back(note);
    if (!file.command.empty()) same->command += (same->command.empty() ? "" : "; ") + file.command;
  }
  for (auto& machine : machines) machine.notes = join_disturbances(std::move(machine.notes));
  return machines;
}

}  // namespace

Study study_of(std::span<const Results> given) {
  const auto files = by_machine(given);
  Study study;
  std::map<std::string, int> seen;
  for (const auto& file : files) {
    study.machines.push_back(file.machine);
    std::set<std::string> own;
    for (const auto& result : file.results) own.insert(result.device);
    auto name = short_name(file.machine.name);
    if (const int number = ++seen[name]; number > 1) name += fmt::format(" ({})", number);
    const auto rename = [&](std::string& device) {
      if (files.size() > 1) device = own.size() > 1 ? fmt::format("{} {}", name, device) : name;
    };
    const auto say = [&](const std::string& text) {
      return files.size() > 1 ? fmt::format("{}: {}", name, text) : text;
    };
    for (auto result : file.results) {
      rename(result.device);
      if (std::find(study.devices.begin(), study.devices.end(), result.device) == study.devices.end())
        study.devices.push_back(result.device);
      study.all.results.push_back(std::move(result));
    }
    for (auto profile : file.profiles) {
      rename(profile.device);
      study.all.profiles.push_back(std::move(profile));
    }
    for (const auto& absent : file.absent) study.all.absent.push_back({say(absent.engine), absent.what, absent.why});
    for (const auto& note : file.notes) study.all.notes.push_back(say(note));
    if (!file.command.empty()) study.all.notes.push_back(say("Measured by: " + file.command));
  }
  if (!files.empty()) study.all.machine = files.front().machine;
  if (files.size() == 1) study.all.created = files.front().created;
  return study;
}

std::vector<Cell> cells_of(const Study& study) {
  std::vector<Cell> cells;
  std::vector<std::tuple<std::string, std::string, std::string>> order;
  for (const auto& result : study.all.results) {
    const auto device = std::find(study.devices.begin(), study.devices.end(), result.device) - study.devices.begin();
    const std::tuple key{result.model, result.engine, result.precision};
    if (std::find(order.begin(), order.end(), key) == order.end()) order.push_back(key);
    auto cell = std::find_if(cells.begin(), cells.end(), [&](const Cell& other) {
      return row_key(other) == std::tie(result.model, result.engine, result.precision) && other.batch == result.batch;
    });
    if (cell == cells.end()) {
      cells.push_back({result.model, result.engine, result.precision, result.batch,
                       std::vector<const Result*>(study.devices.size())});
      cell = std::prev(cells.end());
    }
    auto& best = cell->best[static_cast<std::size_t>(device)];
    if (best == nullptr || best->throughput < result.throughput) best = &result;
  }
  const auto rank = [&](const Cell& cell) {
    const auto at = std::find(order.begin(), order.end(), std::tuple{cell.model, cell.engine, cell.precision});
    return std::pair{at - order.begin(), cell.batch};
  };
  std::sort(cells.begin(), cells.end(), [&](const Cell& a, const Cell& b) { return rank(a) < rank(b); });
  return cells;
}

std::vector<std::string> device_sentences(const Study& study) {
  auto cells = cells_of(study);
  for (auto& cell : best_over_precisions(cells)) cells.push_back(std::move(cell));
  const bool ours = std::any_of(cells.begin(), cells.end(), [](auto& cell) { return cell.engine == "halftone"; });
  std::vector<std::string> sentences;
  for (auto row : rows_of(cells)) {
    std::erase_if(row, [](const Cell* cell) { return measured(*cell) < 2; });
    if (row.empty() || (ours && row.front()->engine != "halftone")) continue;
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < row.size();) {
      const auto first = leader_of(*row[i]);
      std::size_t end = i + 1;
      while (end < row.size() && leader_of(*row[end]).device == first.device) ++end;
      const auto batches = batches_text(row[i]->batch, row[end - 1]->batch, end == row.size());
      if (first.device < 0) {
        parts.push_back(batches + ": level within the noise");
      } else {
        const auto last = leader_of(*row[end - 1]);
        parts.push_back(
            fmt::format("{}: {} ({:.2f} times {}{})", batches, study.devices[static_cast<std::size_t>(first.device)],
                        first.lead.value, study.devices[static_cast<std::size_t>(first.next)],
                        end - i > 1 ? fmt::format("; {:.2f} at batch {}", last.lead.value, row[end - 1]->batch) : ""));
      }
      i = end;
    }
    sentences.push_back(fmt::format("{}: {}.", label(*row.front()), fmt::join(parts, "; ")));
  }
  return sentences;
}

std::vector<std::string> missing_sentences(const Study& study) {
  const auto cells = cells_of(study);
  std::vector<std::string> sentences;
  for (const auto& row : rows_of(cells))
    for (std::size_t device = 0; device < study.devices.size(); ++device) {
      std::vector<int> missing;
      for (const auto* cell : row)
        if (cell->best[device] == nullptr) missing.push_back(cell->batch);
      if (missing.empty()) continue;
      sentences.push_back(
          fmt::format("{}{} cannot be compared: {} has not measured it.", label(*row.front()),
                      missing.size() == row.size() ? "" : fmt::format(" at batch {}", fmt::join(missing, ", ")),
                      study.devices[device]));
    }
  return sentences;
}

Agreement agreement_of(const Results& first, const Results& second) {
  Agreement agreement;
  if (first.machine.name != second.machine.name) return agreement;
  for (const auto& point : first.results)
    for (const auto& other : second.results) {
      if (point_key(point) != point_key(other)) continue;
      ++agreement.cells;
      if (point.ci95.overlaps(other.ci95)) ++agreement.agreeing;
      else
        agreement.apart.push_back(
            fmt::format("{} {}: {} ({} to {}) and {} ({} to {}) images/s", point.model, describe(point),
                        format_number(point.throughput), format_number(point.ci95.lo), format_number(point.ci95.hi),
                        format_number(other.throughput), format_number(other.ci95.lo), format_number(other.ci95.hi)));
      break;
    }
  return agreement;
}

}  // namespace halftone
