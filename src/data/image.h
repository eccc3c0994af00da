#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace halftone {

/// A rectangle of pixels; x to the right, y down.
struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Rect&) const = default;
};

/// Eight-bit RGB pixels, row by row, no padding: pixels[(y * width + x) * 3 + channel].
struct Image {
  static constexpr int kChannels = 3;
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;

  /// Sets the size; the pixels' values are not specified.
  void reset(int new_width, int new_height);
  const std::uint8_t* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * width * kChannels; }
  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * width * kChannels; }
};

struct ImageSize {
  int width = 0, height = 0;
};

/// The largest picture that is believed, in pixels: 400 MB of RGB. A header claiming more is refused before anything
/// is allocated.
inline constexpr std::int64_t kLargestImage = std::int64_t{1} << 27;

/// Decodes one encoded picture after another and keeps its working memory between them; one thread at a time.
/// Reads JPEG (baseline and progressive; gray, YCbCr, RGB, CMYK), PNG (every kind), BMP (8, 24 and 32 bits, not
/// compressed) and PGM/PPM (P2, P3, P5, P6). Gray is repeated in the three channels, alpha is dropped, palettes are
/// looked up, 16 bits keep their upper 8, CMYK becomes RGB by (1-C)(1-K); EXIF orientation is not applied.
class ImageDecoder {
 public:
  explicit ImageDecoder(std::int64_t largest_image = kLargestImage);
  ~ImageDecoder();
  ImageDecoder(ImageDecoder&&) noexcept;
  ImageDecoder& operator=(ImageDecoder&&) noexcept;

  /// Reads the header. `bytes` must stay until decode() is done; `name` starts every error message.
  /// Throws invalid_model for bytes that are no sound picture, resource_exhausted for one that is too large.
  ImageSize open(std::string_view bytes, std::string_view name);

  /// The pixels inside `area`, which must lie within the picture that open() found. A JPEG is decoded only as far as
  /// the area needs, and the pixels are the same as those of the whole. Called once after each open().
  void decode(const Rect& area, Image& image);

 private:
  struct State;
  std::unique_ptr<State> x_;
};

/// A whole picture from memory or from a file; see ImageDecoder for formats and errors. The file form also throws
/// not_found and io.
Image decode_image(std::string_view bytes, std::string_view name);
Image read_image(const std::filesystem::path& path);

/// Whether the name ends in one of .jpg .jpeg .png .bmp .pgm .ppm .pnm, in any case.
bool has_image_extension(const std::filesystem::path& path);

}  // namespace halftone
