#include "quant/image_watch.h"

#include <fmt/format.h>

#include <cstring>

namespace halftone {

ImageWatch::ImageWatch(const Dataset& images, const Preprocess& preprocess) : images_(images) {
  Image image;
  image.reset(preprocess.crop_width, preprocess.crop_height);
  std::memset(image.pixels.data(), 0, image.pixels.size());
  black_ = preprocess_image(image, preprocess);
}

void ImageWatch::see(const Batch& batch) {
  const std::size_t bytes = black_.bytes();
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch.count); ++i) {
    const auto* image = static_cast<const std::byte*>(batch.images.raw()) + i * bytes;
    if (seen_++ == 0) {
      first_ = Tensor(black_.type());
      std::memcpy(first_.raw(), image, bytes);
      first_index_ = batch.indices[i];
    }
    same_ += std::memcmp(image, first_.raw(), bytes) == 0;
    if (std::memcmp(image, black_.raw(), bytes) == 0 && black_count_++ == 0) first_black_ = batch.indices[i];
  }
}

std::vector<std::string> ImageWatch::findings() const {
  std::vector<std::string> list;
  const auto item = [&](std::size_t index) { return images_.items()[index].name; };
  if (black_count_ > 0)
    list.push_back(fmt::format("{}: {} of {} calibration images {} black, the first is {}", images_.path(),
                               black_count_ == seen_ ? "all" : std::to_string(black_count_), seen_,
                               black_count_ == 1 ? "is" : "are", item(first_black_)));
  else if (seen_ > 1 && same_ == seen_)
    list.push_back(
        fmt::format("{}: all {} calibration images are the same as {}", images_.path(), seen_, item(first_index_)));
  return list;
}

}  // namespace halftone
