#include "data/pnm.h"

#include <algorithm>

#include "base/error.h"

namespace halftone {
namespace {

class Scanner {
 public:
  Scanner(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  /// The next number of the header or of a text picture; spaces and # comments before it are skipped.
  std::int64_t number() {
    while (at_ < bytes_.size() && (is_space(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') at_ = std::min(bytes_.find('\n', at_), bytes_.size());
      else ++at_;
    }
    const std::size_t begin = at_;
    std::int64_t value = 0;
    while (at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9') {
      value = value * 10 + (bytes_[at_++] - '0');
      if (value > INT32_MAX) fail(Code::invalid_model, "{}: damaged PPM: a number is too large", name_);
    }
    if (at_ == begin) fail(Code::invalid_model, "{}: damaged PPM: a number is missing at byte {}", name_, begin);
    return value;
  }

  /// What follows the single space after the header.
  std::string_view rest() const { return bytes_.substr(std::min(at_ + 1, bytes_.size())); }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  std::string_view bytes_, name_;
  std::size_t at_ = 2;
};

}  // namespace

bool is_pnm(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == 'P' &&
         (bytes[1] == '2' || bytes[1] == '3' || bytes[1] == '5' || bytes[1] == '6');
}

void decode_pnm(std::string_view bytes, std::string_view name, std::int64_t largest_image, Image& image) {
  const bool text = bytes[1] < '5', gray = bytes[1] == '2' || bytes[1] == '5';
  Scanner scanner(bytes, name);
  const std::int64_t width = scanner.number(), height = scanner.number(), top = scanner.number();
  if (width == 0 || height == 0 || top == 0 || top > 65535)
    fail(Code::invalid_model, "{}: damaged PPM: bad header", name);
  if (width > largest_image / height)
    fail(Code::resource_exhausted, "{}: {}x{} pixels, over the limit of {}", name, width, height, largest_image);
  const std::size_t count = static_cast<std::size_t>(width * height) * (gray ? 1 : 3), size = top > 255 ? 2 : 1;
  const std::string_view data = text ? std::string_view{} : scanner.rest();
  if (text ? scanner.left() < count * 2 : data.size() < count * size)
    fail(Code::invalid_model, "{}: damaged PPM: the file ends within the picture", name);
  image.reset(static_cast<int>(width), static_cast<int>(height));
  const auto byte = [&](std::size_t at) { return std::int64_t{static_cast<unsigned char>(data[at])}; };
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t value = text ? scanner.number() : size == 1 ? byte(i) : byte(2 * i) << 8 | byte(2 * i + 1);
    if (value > top) fail(Code::invalid_model, "{}: damaged PPM: a value over the stated maximum", name);
    if (top != 255) value = (value * 255 + top / 2) / top;
    const auto pixel = static_cast<std::uint8_t>(value);
    if (gray) std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(i * 3), 3, pixel);
    else image.pixels[i] = pixel;
  }
}

std::string to_ppm(const Image& image) {
  std::string bytes = fmt::format("P6\n{} {}\n255\n", image.width, image.height);
  bytes.append(reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size());
  return bytes;
}

}  // namespace halftone
