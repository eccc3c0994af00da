#pragma once
#include <cstdint>
#include <string_view>

#include "data/image.h"

namespace halftone {

bool is_bmp(std::string_view bytes);
/// As ImageDecoder::open describes it, for the whole picture.
void decode_bmp(std::string_view bytes, std::string_view name, std::int64_t largest_image, Image& image);

}  // namespace halftone
