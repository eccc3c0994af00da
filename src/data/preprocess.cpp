#include "data/preprocess.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/normalize.h"

namespace halftone {
namespace {

/// torchvision rounds half to even here, as Python's round() does.
int centered(int outer, int inner) { return static_cast<int>(std::nearbyint((outer - inner) / 2.0)); }

struct Geometry {
  int width, height;  // after scaling, before cropping
  Rect crop;
};

Geometry plan(const Preprocess& preprocess, ImageSize size, std::int64_t largest) {
  std::int64_t width = size.width, height = size.height;
  const auto scale_shorter = [&](std::int64_t shorter) {
    if (width <= height) height = shorter * height / width, width = shorter;
    else width = shorter * width / height, height = shorter;
  };
  if (preprocess.resize_shorter > 0) scale_shorter(preprocess.resize_shorter);
  if (width < preprocess.crop_width || height < preprocess.crop_height) {
    const double ratio = std::max(static_cast<double>(preprocess.crop_width) / static_cast<double>(width),
                                  static_cast<double>(preprocess.crop_height) / static_cast<double>(height));
    width = std::max<std::int64_t>(preprocess.crop_width, std::llround(static_cast<double>(width) * ratio));
    height = std::max<std::int64_t>(preprocess.crop_height, std::llround(static_cast<double>(height) * ratio));
  }
  if (width > largest / height) fail(Code::resource_exhausted, "scaled to {}x{} it is too large", width, height);
  Geometry geometry{static_cast<int>(width), static_cast<int>(height), {}};
  geometry.crop = {centered(geometry.width, preprocess.crop_width), centered(geometry.height, preprocess.crop_height),
                   preprocess.crop_width, preprocess.crop_height};
  return geometry;
}

}  // namespace

Shape Preprocess::shape(std::int64_t batch) const {
  ASSERT(crop_width > 0 && crop_height > 0);
  if (layout == Layout::nchw) return {batch, channel_count(), crop_height, crop_width};
  return {batch, crop_height, crop_width, channel_count()};
}

void Preprocess::fit_to(const std::vector<std::int64_t>& input) {
  if (input.size() != 4)
    fail(Code::invalid_argument, "the network's input has {} dimensions; pictures need 4", input.size());
  if (input[1] != channel_count() && input[3] == channel_count()) layout = Layout::nhwc;
  const bool nchw = layout == Layout::nchw;
  const std::int64_t depth = input[nchw ? 1 : 3], height = input[nchw ? 2 : 1], width = input[nchw ? 3 : 2];
  if (depth > 0 && depth != channel_count())
    fail(Code::invalid_argument, "the network's input has {} channels, the preprocessing '{}' gives {}{}", depth,
         text(), channel_count(), depth == 1 ? " (channels=gray gives 1)" : "");
  const auto fit = [&](int& crop, std::int64_t extent, const char* side) {
    if (crop == 0 && extent <= 0)
      fail(Code::invalid_argument, "the network leaves its input's {} open; say crop=WxH", side);
    if (crop == 0 && extent > 65536)
      fail(Code::invalid_argument, "the network's input {} of {} is too large", side, extent);
    if (crop == 0) crop = static_cast<int>(extent);
    if (extent > 0 && extent != crop)
      fail(Code::invalid_argument, "the crop's {} is {}, the network's input has {}", side, crop, extent);
  };
  fit(crop_width, width, "width");
  fit(crop_height, height, "height");
}

Preprocessor::Preprocessor(Preprocess preprocess) : preprocess_(std::move(preprocess)) {
  if (preprocess_.crop_width <= 0 || preprocess_.crop_height <= 0)
    fail(Code::invalid_argument, "preprocessing '{}' needs a crop size", preprocess_.text());
}

template <typename Load>
void Preprocessor::run_on(ImageSize size, void* target, Load load) {
  const Geometry geometry = plan(preprocess_, size, kLargestImage);
  const Rect& crop = geometry.crop;
  if (geometry.width == size.width && geometry.height == size.height) {
    load(crop, cropped_);
  } else {
    const ResizeAxis across = make_axis(size.width, geometry.width, crop.x, crop.width, preprocess_.resample);
    const ResizeAxis down = make_axis(size.height, geometry.height, crop.y, crop.height, preprocess_.resample);
    load({across.source_begin, down.source_begin, across.source_end - across.source_begin,
          down.source_end - down.source_begin},
         source_);
    resize(source_, across, down, scratch_, cropped_);
  }
  normalize(cropped_, preprocess_, target);
}

void Preprocessor::run(std::string_view bytes, std::string_view name, void* target) {
  const ImageSize size = decoder_.open(bytes, name);
  try {
    run_on(size, target, [&](const Rect& area, Image& image) { decoder_.decode(area, image); });
  } catch (Error& error) {
    if (!std::string_view(error.what()).starts_with(name)) error.add_context(name);
    throw;
  }
}

void Preprocessor::run(const Image& image, void* target) {
  run_on({image.width, image.height}, target, [&](const Rect& area, Image& part) {
    part.reset(area.width, area.height);
    for (int y = 0; y < area.height; ++y) std::copy_n(image.row(area.y + y) + area.x * 3, area.width * 3, part.row(y));
  });
}

Tensor preprocess_image(const Image& image, const Preprocess& preprocess) {
  Preprocessor preprocessor(preprocess);
  Tensor tensor(preprocess.dtype, preprocess.shape(1));
  preprocessor.run(image, tensor.raw());
  return tensor;
}

}  // namespace halftone
