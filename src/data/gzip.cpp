#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"

namespace halftone {
namespace {

constexpr std::size_t kLargestUnpacked = std::size_t{1} << 33;

struct Inflater {
  z_stream stream{};
  explicit Inflater(Packing packing) {
    if (inflateInit2(&stream, packing == Packing::gzip ? 15 + 16 : -15) != Z_OK)
      fail(Code::resource_exhausted, "no memory to unpack compressed data");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

std::string inflate(std::string_view bytes, Packing packing, std::size_t limit, std::string_view name) {
  Inflater inflater(packing);
  z_stream& stream = inflater.stream;
  std::string result;
  std::size_t read = 0, written = 0;
  while (true) {
    if (stream.avail_in == 0 && read < bytes.size()) {
      const std::size_t piece = std::min<std::size_t>(bytes.size() - read, std::size_t{1} << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + read));
      stream.avail_in = static_cast<uInt>(piece);
      read += piece;
    }
    if (written == result.size()) result.resize(std::min(std::max<std::size_t>(result.size() * 2, 65536), limit + 1));
    const std::size_t room = std::min<std::size_t>(result.size() - written, std::size_t{1} << 30);
    stream.next_out = reinterpret_cast<Bytef*>(result.data() + written);
    stream.avail_out = static_cast<uInt>(room);
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    written += room - stream.avail_out;
    if (written > limit) fail(Code::resource_exhausted, "{}: unpacks to more than {} bytes", name, limit);
    if (status == Z_STREAM_END) {
      const bool more = packing == Packing::gzip && (stream.avail_in > 0 || read < bytes.size());
      if (!more) break;
      if (inflateReset(&stream) != Z_OK) fail(Code::invalid_model, "{}: damaged gzip data", name);
      continue;  // a gzip file may hold several members, one after the other
    }
    if (status == Z_MEM_ERROR) fail(Code::resource_exhausted, "{}: no memory to unpack compressed data", name);
    if (status == Z_BUF_ERROR ||
        (status == Z_OK && stream.avail_in == 0 && read == bytes.size() && stream.avail_out > 0))
      fail(Code::invalid_model, "{}: compressed data is cut off", name);
    if (status != Z_OK)
      fail(Code::invalid_model, "{}: damaged compressed data: {}", name, stream.msg ? stream.msg : "bad header");
  }
  result.resize(written);
  return result;
}

std::string unpacked(std::string bytes, std::string_view name) {
  if (!is_gzip(bytes)) return bytes;
  return inflate(bytes, Packing::gzip, kLargestUnpacked, name);
}

}  // namespace halftone
