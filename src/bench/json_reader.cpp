#include "bench/json_reader.h"

#include <cmath>

namespace halftone {

JsonReader::JsonReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (!json.is_object()) fail(Code::invalid_model, "{} is not an object", where_);
}

const JsonReader::Json& JsonReader::at(const char* key) const {
  const auto found = json_.find(key);
  if (found == json_.end()) fail(Code::invalid_model, "{}: '{}' is missing", where_, key);
  return *found;
}

std::string JsonReader::text(const char* key) const {
  const auto& value = at(key);
  if (!value.is_string()) fail(Code::invalid_model, "{}: '{}' is not a string", where_, key);
  return value.get<std::string>();
}

std::vector<std::string> JsonReader::texts(const char* key) const {
  std::vector<std::string> list;
  const auto& value = at(key);
  if (!value.is_array()) fail(Code::invalid_model, "{}: '{}' is not a list", where_, key);
  for (const auto& item : value) {
    if (!item.is_string()) fail(Code::invalid_model, "{}: '{}' holds something that is not a string", where_, key);
    list.push_back(item.get<std::string>());
  }
  return list;
}

bool JsonReader::truth(const char* key) const {
  const auto& value = at(key);
  if (!value.is_boolean()) fail(Code::invalid_model, "{}: '{}' is neither true nor false", where_, key);
  return value.get<bool>();
}

double JsonReader::number(const char* key, double least) const { return number_of(at(key), key, least); }

std::vector<double> JsonReader::list(const char* key) const {
  const auto& value = at(key);
  if (!value.is_array()) fail(Code::invalid_model, "{}: '{}' is not a list", where_, key);
  std::vector<double> numbers;
  for (const auto& item : value) numbers.push_back(number_of(item, key, 0));
  return numbers;
}

std::int64_t JsonReader::integer(const char* key, std::int64_t least, std::int64_t most) const {
  const auto& value = at(key);
  if (!value.is_number_integer() || value < least || value > most)
    fail(Code::invalid_model, "{}: '{}' is not an integer from {} to {}", where_, key, least, most);
  return value.get<std::int64_t>();
}

double JsonReader::share(const char* key) const {
  const double value = number(key);
  if (value > 1) fail(Code::invalid_model, "{}: '{}' is {}, but a share is at most 1", where_, key, value);
  return value;
}

Interval JsonReader::interval(const char* key) const {
  const auto& value = at(key);
  if (!value.is_array() || value.size() != 2) fail(Code::invalid_model, "{}: '{}' is not [low, high]", where_, key);
  return {number_of(value[0], key, 0), number_of(value[1], key, 0)};
}

std::map<std::string, double> JsonReader::numbers(const char* key) const {
  const JsonReader object(at(key), where_ + "." + key);
  std::map<std::string, double> map;
  for (const auto& item : at(key).items()) map[item.key()] = object.number(item.key().c_str());
  return map;
}

std::map<std::string, std::string> JsonReader::words(const char* key) const {
  const JsonReader object(at(key), where_ + "." + key);
  std::map<std::string, std::string> map;
  for (const auto& item : at(key).items()) map[item.key()] = object.text(item.key().c_str());
  return map;
}

double JsonReader::number_of(const Json& value, const char* key, double least) const {
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < least)
    fail(Code::invalid_model, "{}: '{}' is not a number of at least {}", where_, key, least);
  return value.get<double>();
}

nlohmann::ordered_json parse_json(std::string_view text, std::string_view where) {
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::ordered_json::parse_error& error) {
    if (error.byte >= text.size())
      fail(Code::invalid_model, "{}: cut short: the JSON ends after {} bytes", where, text.size());
    fail(Code::invalid_model, "{}: not JSON: wrong at byte {}", where, error.byte);
  }
}

}  // namespace halftone
