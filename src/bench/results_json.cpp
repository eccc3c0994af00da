#include <cmath>

#include "base/file.h"
#include "bench/json_reader.h"
#include "bench/results.h"

namespace halftone {
namespace {

using Json = nlohmann::ordered_json;
using Reader = JsonReader;

Json to_json(const Machine& machine) {
  Json json{{"name", machine.name}, {"cores", machine.cores}, {"features", machine.features}};
  json["memory_bytes"] = machine.memory_bytes;
  json["peaks"] = machine.peaks;
  json["bandwidth"] = machine.bandwidth;
  if (!machine.software.empty()) json["software"] = machine.software;
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
  if (result.devices > 1) json["devices"] = result.devices;
  if (result.end_to_end) json["end_to_end"] = *result.end_to_end;
  if (result.host_to_host) json["host_to_host"] = *result.host_to_host;
  if (result.images_per_joule) json["images_per_joule"] = *result.images_per_joule;
  if (result.clock_mhz) json["clock_mhz"] = *result.clock_mhz;
  if (!result.limited_by.empty()) json["limited_by"] = result.limited_by;
  if (result.memory_bytes) json["memory_bytes"] = *result.memory_bytes;
  if (result.output_difference) json["output_difference"] = *result.output_difference;
  if (result.accuracy) add_accuracy(json, *result.accuracy);
  return json;
}

Json to_json(const Absent& absent) {
  Json json{{"engine", absent.engine}};
  if (!absent.what.empty()) json["what"] = absent.what;
  json["why"] = absent.why;
  return json;
}

Json to_json(const Profile& profile) {
  Json json{{"model", profile.model},
            {"device", profile.device},
            {"precision", profile.precision},
            {"batch", profile.batch},
            {"layers", Json::array()}};
  for (const auto& layer : profile.layers)
    json["layers"].push_back(
        {{"node", layer.node}, {"problem", layer.problem}, {"kernel", layer.kernel}, {"ms", layer.ms}});
  return json;
}

Machine machine_from(const Reader& json) {
  Machine machine;
  machine.name = json.text("name");
  machine.cores = json.small("cores", 0);
  if (json.has("features")) machine.features = json.texts("features");
  if (json.has("memory_bytes")) machine.memory_bytes = static_cast<std::uint64_t>(json.integer("memory_bytes", 0));
  if (json.has("peaks")) machine.peaks = json.numbers("peaks");
  if (json.has("bandwidth")) machine.bandwidth = json.numbers("bandwidth");
  if (json.has("software")) machine.software = json.words("software");
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
  if (json.has("devices")) result.devices = json.small("devices", 1);
  if (json.has("end_to_end")) result.end_to_end = json.number("end_to_end");
  if (json.has("host_to_host")) result.host_to_host = json.number("host_to_host");
  if (json.has("images_per_joule")) result.images_per_joule = json.number("images_per_joule");
  if (json.has("clock_mhz")) result.clock_mhz = json.number("clock_mhz");
  if (json.has("limited_by")) result.limited_by = json.texts("limited_by");
  if (json.has("memory_bytes")) result.memory_bytes = static_cast<std::uint64_t>(json.integer("memory_bytes", 0));
  if (json.has("output_difference")) result.output_difference = json.number("output_difference");
  if (json.has("top1")) result.accuracy = accuracy_from(json);
  return result;
}

Absent absent_from(const Json& value, const std::string& where) {
  const Reader json(value, where);
  return {json.text("engine"), json.has("what") ? json.text("what") : "", json.text("why")};
}

Profile profile_from(const Json& value, const std::string& where) {
  const Reader json(value, where);
  Profile profile{json.text("model"), json.text("device"), json.text("precision"), json.small("batch", 1), {}};
  json.each("layers", [&](const Json& item, const std::string& at) {
    const Reader layer(item, at);
    profile.layers.push_back({layer.text("node"), layer.text("problem"), layer.text("kernel"), layer.number("ms")});
  });
  return profile;
}

}  // namespace

std::string to_json(const Results& results) {
  Json json{{"schema", Results::kSchema}};
  if (!results.created.empty()) json["created"] = results.created;
  if (!results.command.empty()) json["command"] = results.command;
  json["machine"] = to_json(results.machine);
  json["notes"] = results.notes;
  json["results"] = Json::array();
  for (const auto& result : results.results) json["results"].push_back(to_json(result));
  for (const auto& absent : results.absent) json["absent"].push_back(to_json(absent));
  for (const auto& profile : results.profiles) json["profiles"].push_back(to_json(profile));
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
  if (json.has("command")) results.command = json.text("command");
  if (json.has("notes")) results.notes = json.texts("notes");
  const auto read = [&](const char* key, auto& list, auto from) {
    json.each(key, [&](const Json& item, const std::string& at) { list.push_back(from(item, at)); });
  };
  read("results", results.results, result_from);
  if (json.has("absent")) read("absent", results.absent, absent_from);
  if (json.has("profiles")) read("profiles", results.profiles, profile_from);
  return results;
}

Results read_results(const std::filesystem::path& path) { return parse_results(read_file(path), path.string()); }

}  // namespace halftone
