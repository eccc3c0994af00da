#include "bench/results.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "tests/unit/bench/samples.h"

namespace halftone {
namespace {

using Json = nlohmann::json;

std::string refusal(const std::string& text) {
  try {
    parse_results(text, "file");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(const Json& json) { return refusal(json.dump()); }

Json sound() { return Json::parse(to_json(samples::two_precisions())); }

TEST(Results, JsonReadsBackToTheSame) {
  auto results = samples::two_precisions();
  results.results[1].end_to_end = 44.5;
  results.results[1].memory_bytes = 123456789;
  results.results[1].images_per_joule = 3.5;
  results.results[1].output_difference = 1e-6;
  results.results[2].devices = 2;
  results.machine.software["onnxruntime"] = "1.31.1";
  results.command = "halftone bench resnet.onnx";
  results.absent = {{"torch", "", "not installed"}, {"openvino", "resnet bf16 at batch 8", "no bf16"}};
  results.profiles = {{"resnet", "cpu", "int8", 8, {{"conv1", "FusedConv …", "dnnl", 1.5}}}};
  const auto text = to_json(results);
  const auto back = parse_results(text, "text");
  EXPECT_EQ(to_json(back), text);
  ASSERT_EQ(back.results.size(), results.results.size());
  for (std::size_t i = 0; i < back.results.size(); ++i) {
    EXPECT_EQ(back.results[i].throughput, results.results[i].throughput);
    EXPECT_EQ(back.results[i].latency_ms, results.results[i].latency_ms);
    EXPECT_EQ(back.results[i].ci95, results.results[i].ci95);
    EXPECT_EQ(back.results[i].accuracy, results.results[i].accuracy);
    EXPECT_EQ(back.results[i].devices, results.results[i].devices);
    EXPECT_EQ(back.results[i].end_to_end, results.results[i].end_to_end);
    EXPECT_EQ(back.results[i].memory_bytes, results.results[i].memory_bytes);
  }
  EXPECT_EQ(back.machine.peaks, results.machine.peaks);
  EXPECT_EQ(back.machine.software, results.machine.software);
  EXPECT_EQ(back.absent, results.absent);
  EXPECT_EQ(back.notes, results.notes);
  EXPECT_EQ(back.command, results.command);
}

TEST(Results, PointsFollowFromTheDurations) {
  std::vector<std::vector<double>> durations(3);  // a turn of none, as a point of few runs has
  for (int i = 1; i <= 100; ++i) durations[i % 2 == 0 ? 0 : 2].push_back(i);
  Result description;
  description.batch = 8;
  description.sessions = 2;
  const auto result = make_result(description, durations);
  EXPECT_EQ(result.latency_ms, (Latency{50.5, 91, 96, 100}));
  EXPECT_DOUBLE_EQ(result.throughput, 2 * 8 / 0.0505);
  EXPECT_LT(result.ci95.lo, result.throughput);
  EXPECT_GT(result.ci95.hi, result.throughput);
  EXPECT_EQ(result.iterations, 100);
}

TEST(Results, EveryTruncationIsRefused) {
  const auto text = to_json(samples::two_precisions());
  const auto whole = text.find_last_of('}');
  for (std::size_t length = 0; length <= whole; length += 7)
    EXPECT_NE(refusal(text.substr(0, length)).find("file: cut short"), std::string::npos) << length;
}

TEST(Results, OtherSchemasAndOtherFilesAreRefused) {
  auto json = sound();
  json["schema"] = 2;
  EXPECT_EQ(refusal(json), "file: results of schema 2, but only schema 1 can be read");
  json.erase("schema");
  EXPECT_EQ(refusal(json), "file: 'schema' is missing");
  EXPECT_EQ(refusal(std::string("[1]")), "file is not an object");
  EXPECT_EQ(refusal(std::string("{]}")), "file: not JSON: wrong at byte 2");
}

TEST(Results, FaultyFieldsAreNamed) {
  const auto with = [](const char* key, const Json& value) {
    auto json = sound();
    json["results"][3][key] = value;
    return refusal(json);
  };
  EXPECT_EQ(with("batch", 0), "file: results[3]: 'batch' is not an integer from 1 to 1073741824");
  EXPECT_EQ(with("batch", 1.5), "file: results[3]: 'batch' is not an integer from 1 to 1073741824");
  EXPECT_EQ(with("throughput", "fast"), "file: results[3]: 'throughput' is not a number of at least 0");
  EXPECT_EQ(with("throughput", -1), "file: results[3]: 'throughput' is not a number of at least 0");
  EXPECT_EQ(with("throughput", nullptr), "file: results[3]: 'throughput' is not a number of at least 0");
  EXPECT_EQ(with("ci95", Json::array({1})), "file: results[3]: 'ci95' is not [low, high]");
  EXPECT_EQ(with("model", 7), "file: results[3]: 'model' is not a string");
  EXPECT_EQ(with("top1", 1.5), "file: results[3]: 'top1' is 1.5, but a share is at most 1");
  EXPECT_EQ(with("latency_ms", Json::object({{"p50", 1}})), "file: results[3].latency_ms: 'p90' is missing");
  auto json = sound();
  json["results"] = 3;
  EXPECT_EQ(refusal(json), "file: 'results' is not a list");
}

TEST(Results, KneeIsTheSmallestBatchWithNineTenths) {
  Results results;
  for (const auto& [batch, rate] : {std::pair{64, 100.0}, {1, 60.0}, {4, 89.9}, {8, 90.0}, {16, 97.0}})
    results.results.push_back(samples::point("int8", batch, rate));
  const auto sweeps = sweeps_of(results);
  ASSERT_EQ(sweeps.size(), 1u);
  EXPECT_EQ(sweeps[0].fastest().batch, 64);
  EXPECT_EQ(sweeps[0].knee().batch, 8);
}

TEST(Results, SweepsSortByBatchAndTheLaterPointCounts) {
  Results results;
  results.results = {samples::point("int8", 8, 100), samples::point("fp32", 8, 50), samples::point("int8", 1, 80),
                     samples::point("int8", 8, 110)};
  const auto sweeps = sweeps_of(results);
  ASSERT_EQ(sweeps.size(), 2u);
  ASSERT_EQ(sweeps[0].points.size(), 2u);
  EXPECT_EQ(sweeps[0].points[0].batch, 1);
  EXPECT_EQ(sweeps[0].points[1].throughput, 110);
}

/// Checks a value against the part of JSON Schema that docs/results.schema.json uses.
void validate(const Json& schema, const Json& root, const Json& value, const std::string& where) {
  if (schema.contains("$ref")) {
    const auto path = schema["$ref"].get<std::string>().substr(1);
    return validate(root[Json::json_pointer(path)], root, value, where);
  }
  for (const auto& [key, unused] : schema.items()) {
    static const std::set<std::string> known{"$schema",     "$id",      "$defs",      "title",
                                             "description", "type",     "const",      "minimum",
                                             "maximum",     "required", "properties", "additionalProperties",
                                             "items",       "minItems", "maxItems"};
    ASSERT_TRUE(known.count(key)) << "the schema uses " << key << ", which this check does not know";
  }
  if (schema.contains("const")) {
    EXPECT_EQ(value, schema["const"]) << where;
  }
  const auto type = schema.value("type", "");
  if (type == "object") {
    ASSERT_TRUE(value.is_object()) << where;
    for (const auto& name : schema.value("required", Json::array()))
      EXPECT_TRUE(value.contains(name)) << where << ": " << name << " is missing";
    for (const auto& [name, item] : value.items()) {
      if (schema.value("properties", Json::object()).contains(name))
        validate(schema["properties"][name], root, item, where + "." + name);
      else if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object())
        validate(schema["additionalProperties"], root, item, where + "." + name);
      else ADD_FAILURE() << where << ": the schema does not know " << name;
    }
  } else if (type == "array") {
    ASSERT_TRUE(value.is_array()) << where;
    EXPECT_GE(value.size(), schema.value("minItems", std::size_t{0})) << where;
    EXPECT_LE(value.size(), schema.value("maxItems", std::size_t{1} << 40)) << where;
    for (std::size_t i = 0; i < value.size(); ++i)
      validate(schema["items"], root, value[i], where + "[" + std::to_string(i) + "]");
  } else if (type == "string") {
    EXPECT_TRUE(value.is_string()) << where;
  } else if (type == "integer" || type == "number") {
    EXPECT_TRUE(type == "integer" ? value.is_number_integer() : value.is_number()) << where;
    if (schema.contains("minimum")) {
      EXPECT_GE(value, schema["minimum"]) << where;
    }
    if (schema.contains("maximum")) {
      EXPECT_LE(value, schema["maximum"]) << where;
    }
  } else {
    EXPECT_TRUE(schema.contains("const")) << where << ": the schema gives no type";
  }
}

TEST(Results, WrittenFilesFollowThePublishedSchema) {
  const auto schema = Json::parse(read_file(HALFTONE_SOURCE_DIR "/docs/results.schema.json"));
  auto results = samples::two_precisions();
  results.results[0].end_to_end = 12.5;
  results.results[0].memory_bytes = 1000;
  results.results[0].images_per_joule = 3.5;
  results.results[0].output_difference = 1e-6;
  results.machine.software["onnxruntime"] = "1.31.1";
  results.absent = {{"torch", "", "not installed"}, {"openvino", "resnet bf16 at batch 8", "no bf16"}};
  results.profiles = {{"resnet", "cpu", "int8", 8, {{"conv1", "FusedConv …", "dnnl", 1.5}}}};
  validate(schema, schema, Json::parse(to_json(results)), "results");
  validate(schema, schema, Json::parse(to_json(Results{})), "empty");
}

TEST(Results, RecordedFilesFollowItToo) {
  const auto schema = Json::parse(read_file(HALFTONE_SOURCE_DIR "/docs/results.schema.json"));
  int found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(HALFTONE_SOURCE_DIR "/results")) {
    if (entry.is_directory()) continue;
    const auto json = Json::parse(read_file(entry.path()));
    if (!json.is_object() || !json.contains("schema")) continue;
    ++found;
    validate(schema, schema, json, entry.path().filename().string());
    EXPECT_FALSE(read_results(entry.path()).results.empty());
  }
  EXPECT_GT(found, 0);
}

TEST(Results, TheReaderWantsWhatTheSchemaRequires) {
  const auto schema = Json::parse(read_file(HALFTONE_SOURCE_DIR "/docs/results.schema.json"));
  for (const auto& name : schema["$defs"]["result"]["required"]) {
    auto json = sound();
    json["results"][0].erase(name.get<std::string>());
    EXPECT_EQ(refusal(json), "file: results[0]: '" + name.get<std::string>() + "' is missing");
  }
}

}  // namespace
}  // namespace halftone
