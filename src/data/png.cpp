#include "data/png.h"

#include <spng.h>

#include <memory>

#include "base/error.h"
#include "data/claim.h"

namespace halftone {
namespace {

constexpr std::size_t kLargestChunk = std::size_t{64} << 20;

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

}  // namespace

bool is_png(std::string_view bytes) { return bytes.substr(0, 8) == std::string_view("\x89PNG\r\n\x1a\n", 8); }

void decode_png(std::string_view bytes, std::string_view name, std::int64_t largest_image, Image& image) {
  const std::unique_ptr<spng_ctx, FreeContext> context(spng_ctx_new(0));
  if (!context) fail(Code::resource_exhausted, "{}: no memory for the PNG decoder", name);
  const auto check = [&](int error) {
    if (error == 0) return;
    fail(error == SPNG_EMEM ? Code::resource_exhausted : Code::invalid_model, "{}: damaged PNG: {}", name,
         spng_strerror(error));
  };
  check(spng_set_chunk_limits(context.get(), kLargestChunk, kLargestChunk));
  check(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()));
  spng_ihdr header{};
  check(spng_get_ihdr(context.get(), &header));
  const std::int64_t width = header.width, height = header.height;
  if (width > INT32_MAX || height > INT32_MAX || width > largest_image / height)
    fail(Code::resource_exhausted, "{}: {}x{} pixels, over the limit of {}", name, width, height, largest_image);
  if (width * height * header.bit_depth / 8 > static_cast<std::int64_t>(kDeflateRatio * bytes.size()))
    fail(Code::invalid_model, "{}: damaged PNG: {} bytes cannot hold the {}x{} pixels it claims", name, bytes.size(),
         width, height);
  image.reset(static_cast<int>(width), static_cast<int>(height));
  check(spng_decode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_RGB8, 0));
  check(spng_decode_chunks(context.get()));  // up to the end mark, so that a cut off file is noticed
}

}  // namespace halftone
