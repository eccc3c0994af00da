#pragma once
#include <filesystem>
#include <string>

#include "data/image.h"

namespace halftone::test {

/// A smooth picture with a little texture, the same for the same arguments.
Image sample_image(int width, int height, unsigned seed = 1);

struct JpegOptions {
  int quality = 90;
  int horizontal = 2, vertical = 2;  ///< chroma subsampling
  bool progressive = false, gray = false, cmyk = false;
  int restart_rows = 0;
};
/// Encodes with libjpeg. With `cmyk` the picture's RGB become inverted CMY with no black, as Adobe's programs write it.
std::string to_jpeg(const Image& image, const JpegOptions& options = {});

/// Encodes with libspng. `color` is a spng_color_type (2 RGB, 6 RGBA, 0 gray, 4 gray and alpha), `bits` is 8 or 16.
std::string to_png(const Image& image, int color = 2, int bits = 8);

/// 24-bit BMP.
std::string to_bmp(const Image& image);

/// An empty folder of its own for a test, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(const std::string& name = "") const {
    return name.empty() ? x_path_.string() : (x_path_ / name).string();
  }
  /// Writes a file, making the folders above it.
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::filesystem::path x_path_;
};

}  // namespace halftone::test
