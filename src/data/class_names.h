#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace halftone {

/// Class names, one a line, the first being class 0. Where every line begins with a WordNet number ("n01440764 tench,
/// Tinca tinca") the numbers are left out. Throws what read_file() does; invalid_argument for an empty file or an empty
/// line between others, which would shift the numbering.
std::vector<std::string> read_class_names(const std::filesystem::path& path);

}  // namespace halftone
