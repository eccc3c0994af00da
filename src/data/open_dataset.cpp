#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/gzip.h"
#include "data/idx.h"

namespace halftone {
namespace {

namespace fs = std::filesystem;

/// A few names and how many more there are, for one-line messages.
class Offenders {
 public:
  void add(std::string_view what) {
    if (++count_ <= 3) text_ += fmt::format("{}{}", count_ > 1 ? ", " : "", what);
  }
  std::size_t count() const { return count_; }
  std::string text() const { return count_ > 3 ? text_ + ", ..." : text_; }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error))
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  if (error) fail(Code::io, "{}: cannot list the folder: {}", folder.string(), error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> pictures;
  for (const auto& entry : sorted_entries(folder))
    if (has_image_extension(entry) && !fs::is_directory(entry)) pictures.push_back(entry);
  return pictures;
}

bool is_idx_images(const fs::path& path) {
  return path.filename().string().find("images-idx3-ubyte") != std::string::npos ||
         path.filename().string().find("images.idx3-ubyte") != std::string::npos;
}

Tensor read_idx(const fs::path& path) { return parse_idx(unpacked(read_file(path), path.string()), path.string()); }

/// The label file that belongs to an IDX image file, packed or not; empty when there is none.
fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  const std::size_t at = name.rfind("images");
  if (at == std::string::npos) return {};
  name.replace(at, 6, "labels");
  if (const std::size_t rank = name.find("idx3", at); rank != std::string::npos) name.replace(rank, 4, "idx1");
  for (const std::string& candidate :
       {name, name + ".gz", name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name})
    if (fs::exists(images.parent_path() / candidate)) return images.parent_path() / candidate;
  return {};
}

Dataset open_idx(const fs::path& path) {
  Tensor pixels = read_idx(path);
  if (pixels.dtype() != DType::u8 || pixels.shape().rank() != 3)
    fail(Code::invalid_model, "{}: holds {}, not u8 pictures", path.string(), pixels.type().text());
  const std::int64_t count = pixels.shape()[0], height = pixels.shape()[1], width = pixels.shape()[2];
  if (count > 0 && (height == 0 || width == 0 || height > 65536 || width > 65536))
    fail(Code::invalid_model, "{}: pictures of {}x{} pixels", path.string(), width, height);
  std::vector<std::int64_t> labels;
  if (const fs::path beside = labels_beside(path); !beside.empty()) {
    const Tensor tensor = read_idx(beside);
    if (tensor.dtype() != DType::u8 || tensor.shape().rank() != 1)
      fail(Code::invalid_model, "{}: holds {}, not u8 labels", beside.string(), tensor.type().text());
    labels = tensor.to_ints();
    if (static_cast<std::int64_t>(labels.size()) != count)
      fail(Code::invalid_argument, "{}: {} labels for the {} pictures of {}", beside.string(), labels.size(), count,
           path.filename().string());
  }
  std::vector<DatasetItem> items(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].name = fmt::format("{}[{}]", path.string(), i);
    items[i].index = static_cast<std::int64_t>(i);
    if (!labels.empty()) items[i].label = labels[i];
  }
  return {path.string(), std::move(items), {}, std::move(pixels)};
}

/// `file label` a line; the file's name may hold spaces.
Dataset open_labelled(const fs::path& folder) {
  const std::string list = (folder / "labels.txt").string();
  const std::string text = read_file(list);
  std::vector<DatasetItem> items;
  std::set<std::string> seen;
  Offenders missing, unlabelled;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    at = end + 1;
    ++line_number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t gap = line.find_last_of(" \t");
    std::string_view file = line.substr(0, gap == std::string_view::npos ? 0 : gap);
    const std::string_view digits = line.substr(gap == std::string_view::npos ? 0 : gap + 1);
    while (!file.empty() && (file.back() == ' ' || file.back() == '\t')) file.remove_suffix(1);
    std::int64_t label = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), label);
    if (file.empty() || error != std::errc{} || stop != digits.data() + digits.size() || label < 0)
      fail(Code::invalid_argument, "{}: line {}: '{}' is not a file's name and a class number", list, line_number,
           line.substr(0, 120));
    if (!seen.insert(std::string(file)).second)
      fail(Code::invalid_argument, "{}: line {}: {} is listed twice", list, line_number, file);
    if (!fs::is_regular_file(folder / file)) missing.add(file);
    items.push_back({(folder / file).string(), label, 0});
  }
  if (missing.count() > 0)
    fail(Code::invalid_argument, "{}: {} of {} files are not there: {}", list, missing.count(), items.size(),
         missing.text());
  for (const auto& picture : pictures_in(folder))
    if (!seen.contains(picture.filename().string())) unlabelled.add(picture.filename().string());
  if (unlabelled.count() > 0)
    fail(Code::invalid_argument, "{}: {} pictures of the folder have no label: {}", list, unlabelled.count(),
         unlabelled.text());
  if (items.empty()) fail(Code::invalid_argument, "{}: lists no pictures", list);
  return {folder.string(), std::move(items)};
}

Dataset open_folder(const fs::path& folder, std::string_view part) {
  if (part.empty() && fs::exists(folder / "labels.txt")) return open_labelled(folder);
  const auto entries = sorted_entries(folder);
  std::vector<fs::path> idx;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(idx), is_idx_images);
  if (!idx.empty() || !part.empty()) {
    const std::string_view wanted = part.empty() || part == "test" ? "t10k" : part;
    for (const auto& path : idx)
      if (path.filename().string().starts_with(wanted)) return open_idx(path);
    if (idx.size() == 1 && part.empty()) return open_idx(idx.front());
    fail(Code::not_found, "{}: no IDX image file whose name begins with '{}'", folder.string(), wanted);
  }
  std::vector<DatasetItem> items;
  for (const auto& picture : pictures_in(folder)) items.push_back({picture.string(), std::nullopt, 0});
  if (!items.empty()) return {folder.string(), std::move(items)};
  std::vector<std::string> class_names;
  for (const auto& entry : entries) {
    if (!fs::is_directory(entry)) continue;
    const auto pictures = pictures_in(entry);
    if (pictures.empty()) continue;
    for (const auto& picture : pictures)
      items.push_back({picture.string(), static_cast<std::int64_t>(class_names.size()), 0});
    class_names.push_back(entry.filename().string());
  }
  if (items.empty())
    fail(Code::invalid_argument, "{}: no pictures in the folder or in folders within it", folder.string());
  return {folder.string(), std::move(items), std::move(class_names)};
}

}  // namespace

Dataset open_dataset(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_folder(path, {});
  if (const std::size_t colon = path.rfind(':'); colon != std::string::npos && !fs::exists(path, error)) {
    const std::string folder = path.substr(0, colon), part = path.substr(colon + 1);
    if (!part.empty() && fs::is_directory(folder, error)) return open_folder(folder, part);
  }
  if (!fs::exists(path, error)) fail(Code::not_found, "{}: no such file or folder", path);
  if (has_image_extension(path)) return {path, {{path, std::nullopt, 0}}};
  if (is_idx_images(path) || is_idx(unpacked(read_file(path), path))) return open_idx(path);
  return {path, {{path, std::nullopt, 0}}};
}

}  // namespace halftone
