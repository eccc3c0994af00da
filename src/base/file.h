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
/// cause (disk full, no permission); leaves no partial file.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace halftone
