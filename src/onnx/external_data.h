#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace halftone {

/// The folder beside a model where tensors kept outside its file lie.
class ExternalData {
 public:
  /// An empty folder refuses every tensor kept outside.
  explicit ExternalData(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The bytes from `offset` to the file's end. Throws invalid_model when `location` leaves the folder (absolute, "..",
  /// a symbolic link) or `offset` lies behind the end; not_found or io when the file cannot be read.
  std::uint64_t available(const std::string& location, std::uint64_t offset) const;

  /// Reads exactly `length` bytes, which available() has confirmed.
  void read(const std::string& location, std::uint64_t offset, void* target, std::size_t length) const;

 private:
  std::filesystem::path resolve(const std::string& location) const;
  std::filesystem::path folder_;
};

}  // namespace halftone
