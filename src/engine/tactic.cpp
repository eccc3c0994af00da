#include "engine/tactic.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

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
