#include "data/npz.h"

#include <zlib.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "data/claim.h"
#include "data/gzip.h"
#include "data/idx.h"
#include "data/npy.h"

namespace halftone {
namespace {

// The zip format: PKWARE's APPNOTE, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (its end).
constexpr std::string_view kLocal("PK\3\4", 4), kEntry("PK\1\2", 4), kEnd("PK\5\6", 4);
constexpr std::size_t kLocalSize = 30, kEntrySize = 46, kEndSize = 22, kLargestComment = 65535;
constexpr std::uint32_t kStored = 0, kDeflated = 8;
constexpr std::size_t kLargestArchive = std::size_t{16} << 30;

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

struct Reader {
  std::string_view bytes, name;

  std::uint32_t number(std::size_t at, int count) const {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i)
      value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return value;
  }
  /// Requires `size` bytes at `at`, beginning with `mark`.
  void need(std::size_t at, std::size_t size, std::string_view mark = {}) const {
    if (at > bytes.size() || size > bytes.size() - at)
      fail(Code::invalid_model, "{}: damaged npz: the file is cut off", name);
    if (bytes.substr(at, mark.size()) != mark)
      fail(Code::invalid_model, "{}: damaged npz: no header at byte {}", name, at);
  }
};

std::size_t find_end(const Reader& reader) {
  const std::string_view bytes = reader.bytes;
  if (bytes.size() >= kEndSize) {
    const std::size_t lowest = bytes.size() - std::min(bytes.size(), kEndSize + kLargestComment);
    const std::size_t at = bytes.rfind(kEnd, bytes.size() - kEndSize);
    if (at != std::string_view::npos && at >= lowest) return at;
  }
  fail(Code::invalid_model, "{}: damaged npz: the file has no zip directory, it may be cut off", reader.name);
}

}  // namespace

bool is_zip(std::string_view bytes) { return bytes.starts_with(kLocal) || bytes.starts_with(kEnd); }

std::vector<NamedTensor> parse_npz(std::string_view bytes, std::string_view name) {
  const Reader reader{bytes, name};
  const std::size_t end = find_end(reader);
  const std::uint32_t count = reader.number(end + 10, 2);
  std::size_t at = reader.number(end + 16, 4), total = 0, total_packed = 0;
  if (count == 0xffff || at == 0xffffffff) fail(Code::unsupported, "{}: npz in the zip64 form", name);
  std::vector<NamedTensor> tensors;
  for (std::uint32_t i = 0; i < count; ++i) {
    reader.need(at, kEntrySize, kEntry);
    const std::uint32_t flags = reader.number(at + 8, 2), packing = reader.number(at + 10, 2);
    const std::uint32_t crc = reader.number(at + 16, 4);
    const std::size_t packed = reader.number(at + 20, 4), size = reader.number(at + 24, 4);
    const std::size_t name_size = reader.number(at + 28, 2), extra = reader.number(at + 30, 2);
    const std::size_t comment = reader.number(at + 32, 2), local = reader.number(at + 42, 4);
    reader.need(at + kEntrySize, name_size);
    std::string entry(bytes.substr(at + kEntrySize, name_size));
    const std::string label = fmt::format("{}[{}]", name, entry);
    at += kEntrySize + name_size + extra + comment;
    if (packed == 0xffffffff || size == 0xffffffff || local == 0xffffffff)
      fail(Code::unsupported, "{}: in the zip64 form", label);
    if (flags & 1) fail(Code::unsupported, "{}: encrypted", label);
    if (packing != kStored && packing != kDeflated)
      fail(Code::unsupported, "{}: packed by method {}; stored and deflated are read", label, packing);
    reader.need(local, kLocalSize, kLocal);
    const std::size_t start = local + kLocalSize + reader.number(local + 26, 2) + reader.number(local + 28, 2);
    reader.need(start, packed);
    const std::string_view data = bytes.substr(start, packed);
    if (packing == kStored ? packed != size : size / kDeflateRatio > packed)
      fail(Code::invalid_model, "{}: damaged npz: {} bytes cannot hold {}", label, packed, size);
    total += size;
    total_packed += packed;
    if (total_packed > bytes.size()) fail(Code::invalid_model, "{}: damaged npz: entries overlap", name);
    if (total > kLargestArchive)
      fail(Code::resource_exhausted, "{}: unpacks to more than {} bytes", name, kLargestArchive);
    const std::string unpacked = packing == kStored ? "" : inflate(data, Packing::raw_deflate, size, label);
    const std::string_view content = packing == kStored ? data : unpacked;
    if (content.size() != size || checksum(content) != crc)
      fail(Code::invalid_model, "{}: damaged npz: the checksum is wrong", label);
    if (entry.ends_with(".npy")) entry.resize(entry.size() - 4);
    tensors.push_back({std::move(entry), parse_npy(content, label)});
  }
  return tensors;
}

std::string to_npz(const std::vector<NamedTensor>& tensors) {
  std::string bytes, directory;
  std::set<std::string_view> names;
  const auto put = [](std::string& to, std::size_t value, int count) {
    for (int i = 0; i < count; ++i) to += static_cast<char>(value >> (8 * i));
  };
  const auto check = [](std::size_t size) {
    if (size >= 0xffffffff) fail(Code::unsupported, "an npz of 4 GiB or more");
  };
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name.size() > 60000) fail(Code::invalid_argument, "npz: a tensor needs a name");
    if (!names.insert(name).second) fail(Code::invalid_argument, "npz: two tensors are called '{}'", name);
    const std::string entry = name + ".npy", content = to_npy(tensor);
    check(content.size());
    std::string common;       // the fields that the local header and the directory share
    put(common, 20, 2);       // version needed
    put(common, 1 << 11, 2);  // the name is UTF-8
    put(common, kStored, 2);
    put(common, 0, 2);
    put(common, 0x21, 2);  // 1980-01-01, so that the same tensors give the same bytes
    put(common, checksum(content), 4);
    put(common, content.size(), 4);
    put(common, content.size(), 4);
    put(common, entry.size(), 2);
    put(common, 0, 2);
    directory += kEntry;
    put(directory, 20, 2);
    directory += common;
    put(directory, 0, 2);
    put(directory, 0, 2);
    put(directory, 0, 2);
    put(directory, 0, 4);
    put(directory, bytes.size(), 4);
    directory += entry;
    bytes += kLocal;
    bytes += common;
    bytes += entry;
    bytes += content;
    check(bytes.size() + directory.size());
  }
  if (tensors.size() >= 0xffff) fail(Code::unsupported, "an npz of {} tensors", tensors.size());
  const std::size_t start = bytes.size();
  bytes += directory;
  bytes += kEnd;
  put(bytes, 0, 4);
  put(bytes, tensors.size(), 2);
  put(bytes, tensors.size(), 2);
  put(bytes, directory.size(), 4);
  put(bytes, start, 4);
  put(bytes, 0, 2);
  return bytes;
}

std::vector<NamedTensor> read_npz(const std::filesystem::path& path) {
  return parse_npz(read_file(path), path.string());
}

void write_npz(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
  write_file(path, to_npz(tensors));
}

std::vector<NamedTensor> read_tensors(const std::filesystem::path& path) {
  const std::string name = path.string(), bytes = unpacked(read_file(path), name);
  if (is_zip(bytes)) return parse_npz(bytes, name);
  std::vector<NamedTensor> tensors;
  if (is_npy(bytes)) tensors.push_back({"", parse_npy(bytes, name)});
  else if (is_idx(bytes)) tensors.push_back({"", parse_idx(bytes, name)});
  else fail(Code::invalid_model, "{}: not a file of tensors that is read here (npz, npy, IDX)", name);
  return tensors;
}

}  // namespace halftone
