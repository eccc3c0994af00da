#include "tests/unit/data/samples.h"

#include <spng.h>
#include <stdlib.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

// It needs the names of <cstdio>.
#include <jpeglib.h>

#include "base/error.h"
#include "base/file.h"

namespace halftone::test {

Image sample_image(int width, int height, unsigned seed) {
  Image image;
  image.reset(width, height);
  std::mt19937 random(seed);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(x * 0.13 * (c + 1) + seed) + std::cos(y * 0.17 + c);
        image.row(y)[x * 3 + c] = static_cast<std::uint8_t>(128 + 50 * wave + static_cast<int>(random() % 21) - 10);
      }
  return image;
}

std::string to_jpeg(const Image& image, const JpegOptions& options) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = options.cmyk ? 4 : options.gray ? 1 : 3;
  info.in_color_space = options.cmyk ? JCS_CMYK : options.gray ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, options.quality, TRUE);
  if (options.cmyk) info.write_Adobe_marker = TRUE;
  if (!options.gray && !options.cmyk) {
    info.comp_info[0].h_samp_factor = options.horizontal;
    info.comp_info[0].v_samp_factor = options.vertical;
  }
  info.restart_in_rows = options.restart_rows;
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<JSAMPLE> row(static_cast<std::size_t>(image.width) * 4);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const std::uint8_t* rgb = image.row(y) + x * 3;
      if (options.gray) row[x] = rgb[0];
      else if (options.cmyk) std::memcpy(&row[x * 4], rgb, 3), row[x * 4 + 3] = 255;
      else std::memcpy(&row[x * 3], rgb, 3);
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  std::string result(reinterpret_cast<char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return result;
}

std::string to_png(const Image& image, int color, int bits) {
  spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width);
  header.height = static_cast<std::uint32_t>(image.height);
  header.bit_depth = static_cast<std::uint8_t>(bits);
  header.color_type = static_cast<std::uint8_t>(color);
  spng_set_ihdr(context, &header);
  const bool gray = color == 0 || color == 4, alpha = color >= 4;
  std::string raw;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    const auto put = [&](std::uint8_t value) {
      raw += static_cast<char>(bits == 16 ? value / 2 : value);  // the low byte, in the machine's order
      if (bits == 16) raw += static_cast<char>(value);
    };
    for (int c = 0; c < (gray ? 1 : 3); ++c) put(image.pixels[i + c]);
    if (alpha) put(77);
  }
  const int error = spng_encode_image(context, raw.data(), raw.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  if (error != 0) fail(Code::io, "cannot encode: {}", spng_strerror(error));
  std::size_t size = 0;
  int status = 0;
  void* bytes = spng_get_png_buffer(context, &size, &status);
  std::string result(static_cast<char*>(bytes), size);
  std::free(bytes);
  spng_ctx_free(context);
  return result;
}

std::string to_bmp(const Image& image) {
  const std::uint32_t stride = (static_cast<std::uint32_t>(image.width) * 3 + 3) / 4 * 4;
  std::string bytes = "BM";
  const auto put = [&](std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
  };
  put(54 + stride * static_cast<std::uint32_t>(image.height), 4);
  put(0, 4);
  put(54, 4);
  put(40, 4);
  put(static_cast<std::uint32_t>(image.width), 4);
  put(static_cast<std::uint32_t>(image.height), 4);
  put(1, 2);
  put(24, 2);
  for (int i = 0; i < 6; ++i) put(0, 4);
  for (int y = image.height; y-- > 0;) {
    for (int x = 0; x < image.width; ++x)
      for (int c = 2; c >= 0; --c) bytes += static_cast<char>(image.row(y)[x * 3 + c]);
    bytes.append(stride - static_cast<std::uint32_t>(image.width) * 3, '\0');
  }
  return bytes;
}

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "halftone-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) fail(Code::io, "cannot make {}", pattern);
  x_path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(x_path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& bytes) const {
  std::filesystem::create_directories((x_path_ / name).parent_path());
  write_file(x_path_ / name, bytes);
  return path(name);
}

}  // namespace halftone::test
