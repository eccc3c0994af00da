#include "engine/tactic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "engine/turn.h"

namespace halftone {
namespace {

constexpr int kVersion = 1;
using nlohmann::json;

json to_json(int threads, const std::string& problem, const Tactic& tactic) {
  json candidates = json::array();
  for (const auto& item : tactic.candidates) {
    json row{{"kernel", item.kernel}, {"config", item.config}};
    if (item.refusal.empty()) row["seconds"] = item.seconds;
    else row["refusal"] = item.refusal;
    candidates.push_back(std::move(row));
  }
  return {{"threads", threads},      {"problem", problem},        {"kernel", tactic.kernel},
          {"config", tactic.config}, {"seconds", tactic.seconds}, {"candidates", std::move(candidates)}};
}

Tactic tactic_of(const json& row) {
  Tactic tactic{row.at("kernel"), row.at("config"), row.at("seconds"), "", {}};
  for (const auto& item : row.at("candidates"))
    tactic.candidates.push_back(
        {item.at("kernel"), item.at("config"), item.value("seconds", 0.0), item.value("refusal", "")});
  return tactic;
}

/// A Problem line with the first extent of whatever is no constant left out, and that extent where all have the same.
struct Batchless {
  std::string text;
  std::int64_t batch = 0;  ///< 0: they differ, or there is none
};
Batchless without_batch(const std::string& problem) {
  Batchless result;
  std::istringstream words(problem);
  bool alike = true;
  for (std::string word; words >> word;) {
    const auto colon = word.find(':');
    if (colon != std::string::npos && word.back() != '!' && colon + 1 < word.size()) {
      const auto end = std::min(word.find('x', colon), word.size());
      std::int64_t extent = 0;
      const auto [stop, error] = std::from_chars(word.data() + colon + 1, word.data() + end, extent);
      if (error == std::errc() && stop == word.data() + end) {
        alike = alike && (result.batch == 0 || result.batch == extent);
        result.batch = extent;
        word.replace(colon + 1, end - colon - 1, "*");
      }
    }
    result.text += word + " ";
  }
  if (!alike) result.batch = 0;
  return result;
}

}  // namespace

TacticCache TacticCache::load(const std::filesystem::path& path) {
  TacticCache cache;
  try {
    const auto document = json::parse(read_file(path, std::size_t{1} << 28));
    if (document.at("version") != kVersion) return cache;
    for (const auto& [device, rows] : document.at("devices").items())
      for (const auto& row : rows) cache.records_[{device, row.at("threads"), row.at("problem")}] = tactic_of(row);
  } catch (const std::exception&) {
    // A cache only saves time: what cannot be read is measured again, and the next save replaces it.
    return {};
  }
  return cache;
}

void TacticCache::save(const std::filesystem::path& path) const {
  const Turn turn(std::filesystem::path(path) += ".lock", false);  // held for as long as a file is written
  auto merged = load(path).records_;
  for (const auto& [key, tactic] : records_) merged[key] = tactic;
  json devices = json::object();
  for (const auto& [key, tactic] : merged) devices[key.device].push_back(to_json(key.threads, key.problem, tactic));
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  write_file(path, json{{"version", kVersion}, {"devices", std::move(devices)}}.dump(1));
}

std::string TacticCache::serialize(const std::string& device) const {
  json rows = json::array();
  for (const auto& [key, tactic] : records_)
    if (key.device == device) rows.push_back(to_json(key.threads, key.problem, tactic));
  return json{{"version", kVersion}, {"tactics", std::move(rows)}}.dump();
}

void TacticCache::add(const std::string& device, const std::string& text) {
  try {
    const auto document = json::parse(text);
    if (document.at("version") != kVersion) return;
    for (const auto& row : document.at("tactics"))
      records_[{device, row.at("threads"), row.at("problem")}] = tactic_of(row);
  } catch (const json::exception& error) {
    fail(Code::invalid_model, "the tactic records for {} cannot be read: {}", device, error.what());
  }
}

const Tactic* TacticCache::find(const std::string& device, int threads, const std::string& problem) const {
  const auto found = records_.find({device, threads, problem});
  return found == records_.end() ? nullptr : &found->second;
}

std::vector<const Tactic*> TacticCache::find_nearby(const std::string& device, int threads,
                                                    const std::string& problem) const {
  const auto wanted = without_batch(problem);
  std::vector<std::pair<double, const Tactic*>> found;
  if (wanted.batch < 1) return {};
  const auto head = std::string_view(problem).substr(0, problem.find(':') + 1);  // the operator and its first type
  for (auto at = records_.lower_bound({device, threads, ""}); at != records_.end(); ++at) {
    const auto& [key, tactic] = *at;
    if (key.device != device || key.threads != threads) break;
    if (!key.problem.starts_with(head)) continue;
    const auto other = without_batch(key.problem);
    if (other.text != wanted.text || other.batch < 1 || other.batch == wanted.batch) continue;
    found.emplace_back(std::abs(std::log2(static_cast<double>(other.batch) / static_cast<double>(wanted.batch))),
                       &tactic);
  }
  std::sort(found.begin(), found.end());
  std::vector<const Tactic*> tactics;
  for (const auto& [distance, tactic] : found) tactics.push_back(tactic);
  return tactics;
}

void TacticCache::put(const std::string& device, int threads, const std::string& problem, Tactic tactic) {
  records_[{device, threads, problem}] = std::move(tactic);
  changed_ = true;
}

std::filesystem::path default_cache_path() {
  if (const char* folder = std::getenv("HALFTONE_CACHE"); folder && *folder)
    return std::filesystem::path(folder) / "tactics.json";
  if (const char* folder = std::getenv("XDG_CACHE_HOME"); folder && *folder)
    return std::filesystem::path(folder) / "halftone" / "tactics.json";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::filesystem::path(home) / ".cache" / "halftone" / "tactics.json";
  return {};
}

}  // namespace halftone
