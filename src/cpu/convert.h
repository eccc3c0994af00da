#pragma once
#include <immintrin.h>

#include <bit>
#include <type_traits>

#include "core/dtype.h"

// Conversions the compiler can inline and vectorise. Internal linkage: they are compiled for several instruction sets.
namespace halftone::cpu {

template <typename T>
[[maybe_unused]] static inline float as_float(T value) {
  if constexpr (std::is_same_v<T, BFloat16>) return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
  else if constexpr (std::is_same_v<T, Half>) return _cvtsh_ss(value.bits);
  else return static_cast<float>(value);
}

/// Rounded to nearest even; NaNs stay NaNs.
template <typename T>
[[maybe_unused]] static inline T from_float(float value) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
    const std::uint32_t quiet = (word >> 16) | 0x40u;
    T result;
    result.bits = static_cast<std::uint16_t>((word & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
    return result;
  } else if constexpr (std::is_same_v<T, Half>) {
    T result;
    result.bits = _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT);
    return result;
  } else {
    return static_cast<T>(value);
  }
}

}  // namespace halftone::cpu
