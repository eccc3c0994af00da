#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace halftone {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

bool is_zip(std::string_view bytes);

/// A NumPy archive: a zip file of .npy files, stored or deflated, checksums verified, in the archive's order; names
/// without the .npy. Throws invalid_model for a damaged file, unsupported for encryption, zip64 and other packings,
/// resource_exhausted for one that unpacks to more than 16 GiB; messages begin with `name`.
std::vector<NamedTensor> parse_npz(std::string_view bytes, std::string_view name);

/// The tensors as an archive, not compressed. Throws invalid_argument for an empty or doubled name, unsupported for
/// 4 GiB and more (zip64).
std::string to_npz(const std::vector<NamedTensor>& tensors);

std::vector<NamedTensor> read_npz(const std::filesystem::path& path);
/// All or nothing, as write_file().
void write_npz(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors);

/// The tensors in an .npz, .npy or IDX file (also .gz), told apart by content; npy and IDX give one without a name.
std::vector<NamedTensor> read_tensors(const std::filesystem::path& path);

}  // namespace halftone
