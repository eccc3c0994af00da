#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace halftone {

/// How the packed bytes are wrapped.
enum class Packing { gzip, raw_deflate };

/// Unpacks all of `bytes`; `name` starts every error message. Throws invalid_model for damaged or cut off data,
/// resource_exhausted when more than `limit` bytes come out.
std::string inflate(std::string_view bytes, Packing packing, std::size_t limit, std::string_view name);

bool is_gzip(std::string_view bytes);

/// The file's bytes, unpacked where they begin as gzip does.
std::string unpacked(std::string bytes, std::string_view name);

}  // namespace halftone
