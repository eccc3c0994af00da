#include "data/bmp.h"

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace halftone {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::uint32_t kPlain = 0, kBitFields = 3;

std::uint32_t little(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

}  // namespace

bool is_bmp(std::string_view bytes) { return bytes.substr(0, 2) == "BM"; }

void decode_bmp(std::string_view bytes, std::string_view name, std::int64_t largest_image, Image& image) {
  if (bytes.size() < kFileHeader + 40) fail(Code::invalid_model, "{}: damaged BMP: no room for a header", name);
  const std::uint32_t start = little(bytes, 10, 4), header = little(bytes, 14, 4);
  const std::int64_t width = static_cast<std::int32_t>(little(bytes, 18, 4));
  const std::int64_t signed_height = static_cast<std::int32_t>(little(bytes, 22, 4));
  const std::int64_t height = std::llabs(signed_height);
  const std::uint32_t bits = little(bytes, 28, 2), packing = little(bytes, 30, 4);
  std::uint32_t colors = little(bytes, 46, 4);
  if (header < 40 || header > bytes.size() || width <= 0 || height <= 0)
    fail(Code::invalid_model, "{}: damaged BMP: bad header", name);
  if (bits != 8 && bits != 24 && bits != 32)
    fail(Code::unsupported, "{}: BMP of {} bits a pixel; 8, 24 and 32 are read", name, bits);
  if (packing == kBitFields && bits == 32) {
    if (bytes.size() < 66 || little(bytes, 54, 4) != 0xff0000 || little(bytes, 58, 4) != 0xff00 ||
        little(bytes, 62, 4) != 0xff)
      fail(Code::unsupported, "{}: BMP with its channels in an unusual order", name);
  } else if (packing != kPlain) {
    fail(Code::unsupported, "{}: compressed BMP (kind {})", name, packing);
  }
  if (width > largest_image / height)
    fail(Code::resource_exhausted, "{}: {}x{} pixels, over the limit of {}", name, width, height, largest_image);
  const std::int64_t stride = (width * bits + 31) / 32 * 4;
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (start > size || stride * height > size - start)
    fail(Code::invalid_model, "{}: damaged BMP: the file ends within the picture", name);
  const std::size_t palette = kFileHeader + header;
  if (bits == 8) {
    if (colors == 0 || colors > 256) colors = 256;
    if (palette + colors * 4 > bytes.size()) fail(Code::invalid_model, "{}: damaged BMP: palette cut off", name);
  }
  image.reset(static_cast<int>(width), static_cast<int>(height));
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint8_t* source = data + start + (signed_height > 0 ? height - 1 - y : y) * stride;
    std::uint8_t* target = image.row(static_cast<int>(y));
    for (std::int64_t x = 0; x < width; ++x) {
      const std::uint8_t* bgr = source + x * (bits / 8);
      if (bits == 8) {
        if (*bgr >= colors) fail(Code::invalid_model, "{}: damaged BMP: a colour outside the palette", name);
        bgr = data + palette + std::size_t{*bgr} * 4;
      }
      target[x * 3] = bgr[2];
      target[x * 3 + 1] = bgr[1];
      target[x * 3 + 2] = bgr[0];
    }
  }
}

}  // namespace halftone
