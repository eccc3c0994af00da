#pragma once

#include <string_view>

#include "base/error.h"
#include "core/tensor.h"

namespace halftone {

/// The most that deflate can pack, by its format: what a file of it claims to hold beyond that is not there.
inline constexpr std::size_t kDeflateRatio = 1032;

/// The bytes of a tensor that a file's header claims. Throws where no tensor has so many; the error names the file.
inline std::size_t claimed_bytes(const TensorType& type, std::string_view name) {
  try {
    return type.bytes();
  } catch (Error& error) {
    error.add_context(name);
    throw;
  }
}

}  // namespace halftone
