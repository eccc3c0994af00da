#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "bench/results.h"

namespace halftone {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Machine& machine) {
  Json json{{"name", machine.name}, {"cores", machine.cores}, {"features", machine.features}};
  json["memory_bytes"] = machine.memory_bytes;
  json["peaks"] = machine.peaks;
  json["bandwidth"] = machine.bandwidth;
  return json;
}

Json to_json(const Interval& interval) { return Json::array({interval.lo, interval.hi}); }

void add_accuracy(Json& json, const Accuracy& accuracy) {
  json["images"] = accuracy.images;
  json["top1"] = accuracy.top1_share();
  json["top1_ci95"] = to_json(wilson(accuracy.top1, accuracy.images));
  json["top5"] = accuracy.top5_share();
  json["top5_ci95"] = to_json(wilson(accuracy.top5, accuracy.images));
  if (!accuracy.change) return;
  json["agreement"] = static_cast<double>(accuracy.change->agree) / static_cast<double>(accuracy.images);
  json["lost"] = accuracy.change->lost;
  json["gained"] = accuracy.change->gained;
}

Json to_json(const Result& result) {
  Json json{{"model", result.model},         {"engine", result.engine},        {"device", result.device},
            {"precision", result.precision}, {"batch", result.batch},          {"threads", result.threads},
            {"sessions", result.sessions},   {"throughput", result.throughput}};
  const auto& latency = result.latency_ms;
  json["latency_ms"] = {{"p50", latency.p50}, {"p90", latency.p90}, {"p95", latency.p95}, {"p99", latency.p99}};
  json["ci95"] = to_json(result.ci95);
  json["iterations"] = result.iterations;
  if (result.end_to_end) json["end_to_end"] = *result.end_to_end;
  if (result.host_to_host) json["host_to_host"] = *result.host_to_host;
  if (result.images_per_joule) json["images_per_joule"] = *result.images_per_joule;
  if (result.clock_mhz) json["clock_mhz"] = *result.clock_mhz;
  if (!result.limited_by.empty()) json["limited_by"] = result.limited_by;
  if (result.memory_bytes) json["memory_bytes"] = *result.memory_bytes;
  if (result.accuracy) add_accuracy(json, *result.accuracy);
  return json;
}

/// Reads fields of one object and says in errors where it stands.
class Reader {
 public:
  Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) fail(Code::invalid_model, "{} is not an object", where_);
  }

  bool has(const char* key) const { return json_.contains(key); }

  const Json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail(Code::invalid_model, "{}: '{}' is missing", where_, key);
    return *found;
  }

  std::string text(const char* key) const {
    const auto& value = at(key);
    if (!value.is_string()) fail(Code::invalid_model, "{}: '{}' is not a string", where_, key);
    return value.get<std::string>();
  }

  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> list;
    const auto& value = at(key);
    if (!value.is_array()) fail(Code::invalid_model, "{}: '{}' is not a list", where_, key);
    for (const auto& item : value) {
      if (!item.is_string()) fail(Code::invalid_model, "{}: '{}' holds something that is not a string", where_, key);
      list.push_back(item.get<std::string>());
    }
    return list;
  }

  double number(const char* key, double least = 0) const { return number_of(at(key), key, least); }

  std::int64_t integer(const char* key, std::int64_t least, std::int64_t most = std::int64_t{1} << 53) const {
    const auto& value = at(key);
    if (!value.is_number_integer() || value < least || value > most)
      fail(Code::invalid_model, "{}: '{}' is not an integer from {} to {}", where_, key, least, most);
    return value.get<std::int64_t>();
  }

  int small(const char* key, int least) const { return static_cast<int>(integer(key, least, 1 << 30)); }

  double share(const char* key) const {
    const double value = number(key);
    if (value > 1) fail(Code::invalid_model, "{}: '{}' is {}, but a share is at most 1", where_, key, value);
    return value;
  }

  Interval interval(const char* key) const {
    const auto& value = at(key);
    if (!value.is_array() || value.size() != 2) fail(Code::invalid_model, "{}: '{}' is not [low, high]", where_, key);
    return {number_of(value[0], key, 0), number_of(value[1], key, 0)};
  }

  std::map<std::string, double> numbers(const char* key) const {
    const Reader object(at(key), where_ + "." + key);
    std::map<std::string, double> map;
    for (const auto& item : at(key).items()) map[item.key()] = object.number(item.key().c_str());
    return map;
  }

 private:
  double number_of(const Json& value, const char* key, double least) const {
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < least)
      fail(Code::invalid_model, "{}: '{}' is not a number of at least {}", where_, key, least);
    return value.get<double>();
  }

  const Json& json_;
  std::string where_;
};

Machine machine_from(const Reader& json) {
  Machine machine;
  machine.name = json.text("name");
  machine.cores = json.small("cores", 0);
  if (json.has("features")) machine.features = json.texts("features");
  if (json.has("memory_bytes")) machine.memory_bytes = static_cast<std::uint64_t>(json.integer("memory_bytes", 0));
  if (json.has("peaks")) machine.peaks = json.numbers("peaks");
  if (json.has("bandwidth")) machine.bandwidth = json.numbers("bandwidth");
  return machine;
}

Accuracy accuracy_from(const Reader& json) {
  Accuracy accuracy;
  accuracy.images = json.integer("images", 1);
  const auto count = [&](const char* key) {
    return static_cast<std::int64_t>(std::llround(json.share(key) * static_cast<double>(accuracy.images)));
  };
  accuracy.top1 = count("top1");
  accuracy.top5 = json.has("top5") ? count("top5") : accuracy.top1;
  if (json.has("agreement"))
    accuracy.change = {count("agreement"), json.integer("lost", 0, accuracy.images),
                       json.integer("gained", 0, accuracy.images)};
  return accuracy;
}

Result result_from(const Json& value, const std::string& where) {
  const Reader json(value, where);
  Result result;
  result.model = json.text("model");
  result.engine = json.text("engine");
  result.device = json.text("device");
  result.precision = json.text("precision");
  result.batch = json.small("batch", 1);
  result.threads = json.small("threads", 1);
  result.sessions = json.small("sessions", 1);
  result.throughput = json.number("throughput");
  const Reader latency(json.at("latency_ms"), where + ".latency_ms");
  result.latency_ms = {latency.number("p50"), latency.number("p90"), latency.number("p95"), latency.number("p99")};
  result.ci95 = json.interval("ci95");
  if (json.has("iterations")) result.iterations = json.small("iterations", 0);
  if (json.has("end_to_end")) result.end_to_end = json.number("end_to_end");
  if (json.has("host_to_host")) result.host_to_host = json.number("host_to_host");
  if (json.has("images_per_joule")) result.images_per_joule = json.number("images_per_joule");
  if (json.has("clock_mhz")) result.clock_mhz = json.number("clock_mhz");
  if (json.has("limited_by")) result.limited_by = json.texts("limited_by");
  if (json.has("memory_bytes")) result.memory_bytes = static_cast<std::uint64_t>(json.integer("memory_bytes", 0));
  if (json.has("top1")) result.accuracy = accuracy_from(json);
  return result;
}

Json parse_json(std::string_view text, std::string_view where) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    if (error.byte >= text.size())
      fail(Code::invalid_model, "{}: cut short: the JSON ends after {} bytes", where, text.size());
    fail(Code::invalid_model, "{}: not JSON: wrong at byte {}", where, error.byte);
  }
}

}  // namespace

std::string to_json(const Results& results) {
  Json json{{"schema", Results::kSchema}};
  if (!results.created.empty()) json["created"] = results.created;
  json["machine"] = to_json(results.machine);
  json["notes"] = results.notes;
  json["results"] = Json::array();
  for (const auto& result : results.results) json["results"].push_back(to_json(result));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Results parse_results(std::string_view text, std::string_view where) {
  const auto value = parse_json(text, where);
  const Reader json(value, std::string(where));
  const auto schema = json.integer("schema", 0);
  if (schema != Results::kSchema)
    fail(Code::unsupported, "{}: results of schema {}, but only schema {} can be read", where, schema,
         Results::kSchema);
  Results results;
  results.machine = machine_from(Reader(json.at("machine"), fmt::format("{}: machine", where)));
  if (json.has("created")) results.created = json.text("created");
  if (json.has("notes")) results.notes = json.texts("notes");
  const auto& list = json.at("results");
  if (!list.is_array()) fail(Code::invalid_model, "{}: 'results' is not a list", where);
  for (std::size_t i = 0; i < list.size(); ++i)
    results.results.push_back(result_from(list[i], fmt::format("{}: results[{}]", where, i)));
  return results;
}

Results read_results(const std::filesystem::path& path) { return parse_results(read_file(path), path.string()); }

}  // namespace halftone
