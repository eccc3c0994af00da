#include "data/dataset.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "base/error.h"
#include "base/file.h"

namespace halftone {
namespace {

constexpr std::size_t kLargestPictureFile = std::size_t{1} << 30;

}  // namespace

Dataset::Dataset(std::string path, std::vector<DatasetItem> items, std::vector<std::string> class_names, Tensor pixels)
    : path_(std::move(path)),
      items_(std::move(items)),
      class_names_(std::move(class_names)),
      pixels_(std::move(pixels)) {
  if (items_.empty()) fail(Code::invalid_argument, "{}: no pictures", path_);
}

void Dataset::load(std::size_t i, Preprocessor& preprocessor, void* target) const {
  ASSERT(i < items_.size());
  if (pixels_.defined()) return preprocessor.run(image(i), target);
  preprocessor.run(read_file(items_[i].name, kLargestPictureFile), items_[i].name, target);
}

Image Dataset::image(std::size_t i) const {
  ASSERT(i < items_.size());
  if (!pixels_.defined()) return read_image(items_[i].name);
  const auto height = static_cast<int>(pixels_.shape()[1]), width = static_cast<int>(pixels_.shape()[2]);
  const std::size_t count = static_cast<std::size_t>(width) * height;
  const auto gray = pixels_.data<std::uint8_t>().subspan(static_cast<std::size_t>(items_[i].index) * count, count);
  Image image;
  image.reset(width, height);
  for (std::size_t p = 0; p < count; ++p) std::memset(image.pixels.data() + p * 3, gray[p], 3);
  return image;
}

void Dataset::check_labels(std::int64_t classes) const {
  if (!labelled()) fail(Code::invalid_argument, "{}: the pictures have no labels", path_);
  std::string first;
  std::size_t wrong = 0;
  for (const auto& item : items_) {
    if (*item.label >= 0 && *item.label < classes) continue;
    if (++wrong <= 3) first += fmt::format("{}{} ({})", wrong > 1 ? ", " : "", item.name, *item.label);
  }
  if (wrong > 0)
    fail(Code::invalid_argument, "{}: {} of {} labels are outside 0 to {}: {}{}", path_, wrong, items_.size(),
         classes - 1, first, wrong > 3 ? ", ..." : "");
}

Dataset Dataset::with_items(const std::vector<std::size_t>& chosen) const {
  std::vector<DatasetItem> items;
  items.reserve(chosen.size());
  for (const std::size_t i : chosen) items.push_back(items_[i]);
  return {path_, std::move(items), class_names_, pixels_};
}

Dataset Dataset::evenly_spaced(std::size_t limit) const {
  if (limit == 0 || limit >= size()) return *this;
  std::vector<std::size_t> chosen(limit);
  for (std::size_t i = 0; i < limit; ++i) chosen[i] = i * size() / limit;
  return with_items(chosen);
}

Dataset Dataset::sampled(std::size_t limit, std::uint64_t seed) const {
  if (limit == 0 || limit >= size()) return *this;
  std::vector<std::size_t> order(size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The engine's numbers are fixed by the standard, a distribution's are not.
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < limit; ++i) std::swap(order[i], order[i + random() % (size() - i)]);
  order.resize(limit);
  std::sort(order.begin(), order.end());
  return with_items(order);
}

}  // namespace halftone
