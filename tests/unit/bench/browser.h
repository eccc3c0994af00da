#pragma once
#include <filesystem>
#include <string>

namespace halftone::tests {

/// Chromium without a window; empty where it is not installed.
std::string browser();

/// The document at `page` as it stands after `milliseconds`, scripts run; `width` columns of pixels.
std::string dump(const std::filesystem::path& page, int width, int milliseconds = 2000);

}  // namespace halftone::tests
