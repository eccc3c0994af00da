// The readers of pictures and tensors, chosen by the input's own first bytes as the program does.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/gzip.h"
#include "data/idx.h"
#include "data/image.h"
#include "data/npy.h"
#include "data/npz.h"

namespace {

constexpr std::int64_t kLargestImage = 1 << 16;
constexpr std::size_t kLargestUnpacked = 1 << 20;

void read_any(std::string_view bytes) {
  using namespace halftone;
  if (is_gzip(bytes)) {
    const std::string unpacked = inflate(bytes, Packing::gzip, kLargestUnpacked, "input");
    if (!is_gzip(unpacked)) read_any(unpacked);
    return;
  }
  if (is_npy(bytes)) {
    const Tensor tensor = parse_npy(bytes, "input");
    const Tensor again = parse_npy(to_npy(tensor), "written");
    ASSERT(again.type() == tensor.type());
    return;
  }
  if (is_zip(bytes)) {
    parse_npz(bytes, "input");
    return;
  }
  if (is_idx(bytes)) {
    parse_idx(bytes, "input");
    return;
  }
  static ImageDecoder decoder(kLargestImage);
  Image image;
  ImageSize size = decoder.open(bytes, "input");
  decoder.decode({0, 0, size.width, size.height}, image);
  size = decoder.open(bytes, "input");
  decoder.decode({size.width / 4, size.height / 3, (size.width + 1) / 2, (size.height + 1) / 2}, image);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_any({reinterpret_cast<const char*>(data), size});
  } catch (const halftone::Error& error) {
    ASSERT(error.what()[0] != '\0');
  }
  return 0;
}
