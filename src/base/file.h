#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halftone {

/// The whole of a regular file. Throws not_found, io, or resource_exhausted (over `limit` bytes), naming the path.
std::string read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{1} << 40);

/// Writes all or nothing: a temporary beside `path`, flushed, then renamed over it. Throws io, naming the path and the
/// cause (disk full, no permission); leaves no partial file. Follows links; a device or pipe is written to in place.
void write_file(const std::filesystem::path& path, std::string_view bytes);

struct FileContent {
  std::filesystem::path path;
  std::string bytes;
};

/// Several files as write_file() does, the first taking its place once all of them are complete on the disk.
void write_files(std::span<const FileContent> files);

/// Throws what write_file() would throw for a path that cannot be written, before the work whose result goes there.
void check_writable(const std::filesystem::path& path);

}  // namespace halftone
