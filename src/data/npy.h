#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "core/tensor.h"

namespace halftone {

bool is_npy(std::string_view bytes);

/// A NumPy array file, format versions 1 to 3: bool, integers and floats of both byte orders; Fortran order is turned
/// into C order. Throws invalid_model for a damaged file and unsupported for types no tensor has, such as complex
/// numbers and objects; messages begin with `name`.
Tensor parse_npy(std::string_view bytes, std::string_view name);

/// The tensor as a version 1 file in C order. bf16, which NumPy does not have, is written as f32.
std::string to_npy(const Tensor& tensor);

Tensor read_npy(const std::filesystem::path& path);
/// All or nothing, as write_file().
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace halftone
