#include "data/image.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "data/bmp.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data/pnm.h"

namespace halftone {

void Image::reset(int new_width, int new_height) {
  width = new_width;
  height = new_height;
  pixels.resize(static_cast<std::size_t>(width) * height * kChannels);
}

struct ImageDecoder::State {
  explicit State(std::int64_t largest) : largest_image(largest) {}
  std::int64_t largest_image;
  JpegDecoder jpeg;
  bool is_jpeg = false;
  ImageSize size;
  Image whole;
};

ImageDecoder::ImageDecoder(std::int64_t largest_image) : x_(std::make_unique<State>(largest_image)) {}
ImageDecoder::~ImageDecoder() = default;
ImageDecoder::ImageDecoder(ImageDecoder&&) noexcept = default;
ImageDecoder& ImageDecoder::operator=(ImageDecoder&&) noexcept = default;

ImageSize ImageDecoder::open(std::string_view bytes, std::string_view name) {
  State& state = *x_;
  state.is_jpeg = false;
  state.size = {};
  if (bytes.empty()) fail(Code::invalid_model, "{}: the file is empty", name);
  if (is_jpeg(bytes)) {
    state.size = state.jpeg.open(bytes, name, state.largest_image);
    state.is_jpeg = true;
    return state.size;
  }
  if (is_png(bytes)) decode_png(bytes, name, state.largest_image, state.whole);
  else if (is_bmp(bytes)) decode_bmp(bytes, name, state.largest_image, state.whole);
  else if (is_pnm(bytes)) decode_pnm(bytes, name, state.largest_image, state.whole);
  else fail(Code::invalid_model, "{}: not a picture in a format that is read here (JPEG, PNG, BMP, PPM, PGM)", name);
  state.size = {state.whole.width, state.whole.height};
  return state.size;
}

void ImageDecoder::decode(const Rect& area, Image& image) {
  State& state = *x_;
  ASSERT(area.x >= 0 && area.y >= 0 && area.width > 0 && area.height > 0);
  ASSERT(area.x + area.width <= state.size.width && area.y + area.height <= state.size.height);
  if (state.is_jpeg) return state.jpeg.decode(area, image);
  if (area == Rect{0, 0, state.size.width, state.size.height}) return std::swap(image, state.whole);
  image.reset(area.width, area.height);
  for (int y = 0; y < area.height; ++y)
    std::memcpy(image.row(y), state.whole.row(area.y + y) + area.x * Image::kChannels,
                static_cast<std::size_t>(area.width) * Image::kChannels);
}

Image decode_image(std::string_view bytes, std::string_view name) {
  ImageDecoder decoder;
  const ImageSize size = decoder.open(bytes, name);
  Image image;
  decoder.decode({0, 0, size.width, size.height}, image);
  return image;
}

Image read_image(const std::filesystem::path& path) { return decode_image(read_file(path), path.string()); }

bool has_image_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* known : {".jpg", ".jpeg", ".png", ".bmp", ".pgm", ".ppm", ".pnm"})
    if (extension == known) return true;
  return false;
}

}  // namespace halftone
