#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "data/image.h"

namespace halftone {

bool is_pnm(std::string_view bytes);
/// As ImageDecoder::open describes it, for the whole picture: P2, P3 (numbers as text), P5, P6 (binary).
void decode_pnm(std::string_view bytes, std::string_view name, std::int64_t largest_image, Image& image);

/// The picture as a binary PPM file (P6).
std::string to_ppm(const Image& image);

}  // namespace halftone
