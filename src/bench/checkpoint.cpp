#include "bench/checkpoint.h"

#include <system_error>

#include "base/clock.h"
#include "base/file.h"
#include "bench/json_reader.h"

namespace halftone {
namespace {

constexpr int kSchema = 2;

}  // namespace

Checkpoint::Checkpoint(std::filesystem::path path, std::string identity)
    : path_(std::move(path)), identity_(std::move(identity)) {
  std::error_code error;
  if (path_.empty() || !std::filesystem::exists(path_, error)) return;
  try {
    read();
  } catch (const Error& failure) {
    points_.clear();
    refusal_ = failure.what();
  }
}

void Checkpoint::read() {
  const auto where = path_.string();
  const auto value = parse_json(read_file(path_), where);
  const JsonReader json(value, where);
  if (json.integer("unfinished", 0) != kSchema || json.text("identity") != identity_)
    fail(Code::invalid_argument, "{}: of another measurement", where);
  json.each("points", [&](const JsonReader::Json& item, const std::string& at) {
    const JsonReader point(item, at);
    Measured measured;
    measured.wanted = point.small("wanted", 1);
    measured.warmup = point.small("warmup", 0);
    measured.shortened = point.truth("shortened");
    measured.joules = point.number("joules");
    measured.runs = point.number("runs");
    point.each("turns", [&](const JsonReader::Json& turn, const std::string& turn_at) {
      const JsonReader::Json wrapped{{"ms", turn}};
      measured.turns.push_back(JsonReader(wrapped, turn_at).list("ms"));
    });
    for (const double sitting : point.list("sitting")) measured.sitting.push_back(static_cast<int>(sitting));
    if (measured.sitting.size() != measured.turns.size())
      fail(Code::invalid_argument, "{}: {} turns with {} sittings", at, measured.turns.size(), measured.sitting.size());
    points_[point.text("point")] = std::move(measured);
  });
  resumed_ = !points_.empty();
}

Measured Checkpoint::find(const std::string& point) const {
  const auto found = points_.find(point);
  return found == points_.end() ? Measured{} : found->second;
}

void Checkpoint::save(double seconds) {
  if (path_.empty() || now_seconds() - saved_ < seconds) return;
  JsonReader::Json json{{"unfinished", kSchema}, {"identity", identity_}, {"points", JsonReader::Json::array()}};
  for (const auto& [name, measured] : points_)
    if (!measured.turns.empty())
      json["points"].push_back({{"point", name},
                                {"wanted", measured.wanted},
                                {"warmup", measured.warmup},
                                {"shortened", measured.shortened},
                                {"joules", measured.joules},
                                {"runs", measured.runs},
                                {"turns", measured.turns},
                                {"sitting", measured.sitting}});
  if (json["points"].empty()) return;
  write_file(path_, json.dump() + "\n");
  saved_ = now_seconds();
}

void Checkpoint::discard() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove(path_, error);
}

}  // namespace halftone
