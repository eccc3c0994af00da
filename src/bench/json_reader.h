#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "bench/statistics.h"

namespace halftone {

/// Reads fields of one JSON object. Every member throws invalid_model where a field is missing or not what it should
/// be, naming the field and where the object stands.
class JsonReader {
 public:
  using Json = nlohmann::ordered_json;

  /// `json` must outlive the reader.
  JsonReader(const Json& json, std::string where);

  bool has(const char* key) const { return json_.contains(key); }
  const Json& at(const char* key) const;
  std::string text(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  bool truth(const char* key) const;
  double number(const char* key, double least = 0) const;
  std::vector<double> list(const char* key) const;
  std::int64_t integer(const char* key, std::int64_t least, std::int64_t most = std::int64_t{1} << 53) const;
  int small(const char* key, int least) const { return static_cast<int>(integer(key, least, 1 << 30)); }
  /// 0 to 1.
  double share(const char* key) const;
  Interval interval(const char* key) const;
  std::map<std::string, double> numbers(const char* key) const;
  std::map<std::string, std::string> words(const char* key) const;

  /// use(item, where it stands) for each item of a list.
  template <typename Use>
  void each(const char* key, Use use) const {
    const auto& items = at(key);
    if (!items.is_array()) fail(Code::invalid_model, "{}: '{}' is not a list", where_, key);
    for (std::size_t i = 0; i < items.size(); ++i)
      use(items[i], fmt::format("{}{}{}[{}]", where_, where_.ends_with(']') ? "." : ": ", key, i));
  }

 private:
  double number_of(const Json& value, const char* key, double least) const;
  const Json& json_;
  std::string where_;
};

/// Throws invalid_model for what is no JSON, saying whether it is cut short.
nlohmann::ordered_json parse_json(std::string_view text, std::string_view where);

}  // namespace halftone
