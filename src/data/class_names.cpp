#include "data/class_names.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace halftone {
namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 20;
constexpr std::size_t kNumberSize = 9;  // n and eight digits

bool has_wordnet_number(std::string_view line) {
  return line.size() > kNumberSize && line[0] == 'n' && (line[kNumberSize] == ' ' || line[kNumberSize] == '\t') &&
         std::all_of(line.begin() + 1, line.begin() + kNumberSize, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::string> read_class_names(const std::filesystem::path& path) {
  const std::string text = read_file(path, kLargestFile);
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    names.push_back(std::move(line));
    at = end + 1;
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  if (names.empty()) fail(Code::invalid_argument, "{}: no class names in it", path.string());
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].empty()) fail(Code::invalid_argument, "{}: line {} is empty", path.string(), i + 1);
  if (std::all_of(names.begin(), names.end(), has_wordnet_number))
    for (auto& name : names) name.erase(0, kNumberSize + 1);
  return names;
}

}  // namespace halftone
