#include "onnx/external_data.h"

#include <algorithm>
#include <fstream>

#include "base/error.h"

namespace halftone {

std::filesystem::path ExternalData::resolve(const std::string& location) const {
  namespace fs = std::filesystem;
  if (folder_.empty())
    fail(Code::unsupported, "its data lies outside the model, in '{}', which cannot be followed here", location);
  const fs::path relative(location);
  const bool climbs = std::find(relative.begin(), relative.end(), "..") != relative.end();
  if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() || climbs)
    fail(Code::invalid_model, "its external data '{}' is not a path inside the model's folder", location);
  std::error_code error;
  const auto base = fs::canonical(folder_, error);
  if (error) fail(Code::not_found, "{}: no such folder", folder_.string());
  const auto path = fs::canonical(base / relative, error);
  if (error) fail(Code::not_found, "{}: no such file (external data)", (folder_ / relative).string());
  if (std::mismatch(base.begin(), base.end(), path.begin(), path.end()).first != base.end())
    fail(Code::invalid_model, "its external data '{}' is a link that leaves the model's folder", location);
  if (!fs::is_regular_file(path, error)) fail(Code::io, "{}: is not a file (external data)", path.string());
  return path;
}

std::uint64_t ExternalData::available(const std::string& location, std::uint64_t offset) const {
  const auto path = resolve(location);
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) fail(Code::io, "{}: cannot stat: {}", path.string(), error.message());
  if (offset > size)
    fail(Code::invalid_model, "its external data begins at byte {} of '{}', which has {}", offset, location, size);
  return size - offset;
}

void ExternalData::read(const std::string& location, std::uint64_t offset, void* target, std::size_t length) const {
  const auto path = resolve(location);
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(Code::io, "{}: cannot open", path.string());
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(static_cast<char*>(target), static_cast<std::streamsize>(length));
  if (static_cast<std::size_t>(file.gcount()) != length)
    fail(Code::io, "{}: cannot read {} bytes", path.string(), length);
}

}  // namespace halftone
