#include "core/dtype.h"

#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace halftone {
namespace {

constexpr std::array<std::pair<DType, std::string_view>, 15> kNames{{{DType::none, "none"},
                                                                     {DType::f32, "f32"},
                                                                     {DType::f64, "f64"},
                                                                     {DType::f16, "f16"},
                                                                     {DType::bf16, "bf16"},
                                                                     {DType::i8, "i8"},
                                                                     {DType::u8, "u8"},
                                                                     {DType::i16, "i16"},
                                                                     {DType::u16, "u16"},
                                                                     {DType::i32, "i32"},
                                                                     {DType::u32, "u32"},
                                                                     {DType::i64, "i64"},
                                                                     {DType::u64, "u64"},
                                                                     {DType::boolean, "bool"},
                                                                     {DType::f8e4m3, "f8e4m3"}}};

constexpr std::array<std::pair<Precision, std::string_view>, 6> kPrecisions{{{Precision::fp32, "fp32"},
                                                                             {Precision::tf32, "tf32"},
                                                                             {Precision::bf16, "bf16"},
                                                                             {Precision::fp16, "fp16"},
                                                                             {Precision::int8, "int8"},
                                                                             {Precision::fp8, "fp8"}}};

}  // namespace

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::none: return 0;
    case DType::f64:
    case DType::i64:
    case DType::u64: return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32: return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16: return 2;
    default: return 1;
  }
}

std::string_view name(DType dtype) { return kNames[static_cast<std::size_t>(dtype)].second; }

std::optional<DType> parse_dtype(std::string_view text) {
  for (const auto& [dtype, spelled] : kNames)
    if (spelled == text && dtype != DType::none) return dtype;
  return std::nullopt;
}

bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}

bool is_integer(DType dtype) {
  return dtype != DType::none && dtype != DType::boolean && dtype != DType::f8e4m3 && !is_float(dtype);
}

bool is_8bit(DType dtype) { return dtype == DType::i8 || dtype == DType::u8; }

bool is_quantised(DType dtype) { return is_8bit(dtype) || dtype == DType::f8e4m3; }

std::string_view name(Precision precision) { return kPrecisions[static_cast<std::size_t>(precision)].second; }

std::optional<Precision> parse_precision(std::string_view text) {
  for (const auto& [precision, spelled] : kPrecisions)
    if (spelled == text) return precision;
  return std::nullopt;
}

Half::Half(float value) {
  const auto word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (word >> 16) & 0x8000u;
  const std::uint32_t magnitude = word & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) {  // infinity stays, a NaN stays quiet
    bits = static_cast<std::uint16_t>(sign | 0x7c00u | (magnitude > 0x7f800000u ? 0x200u : 0u));
  } else if (magnitude >= 0x477ff000u) {  // rounds to 65536 or above
    bits = static_cast<std::uint16_t>(sign | 0x7c00u);
  } else if (magnitude >= 0x38800000u) {  // normal
    const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    bits = static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
  } else {  // subnormal: the float unit rounds for us, to a multiple of 2^-24
    const float scaled = std::bit_cast<float>(magnitude) * 16777216.0f;
    bits = static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(scaled)));
  }
}

Half::operator float() const {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float small = static_cast<float>(mantissa) * 5.9604644775390625e-08f;
  return sign ? -small : small;
}

BFloat16::BFloat16(float value) {
  const auto word = std::bit_cast<std::uint32_t>(value);
  if ((word & 0x7fffffffu) > 0x7f800000u) bits = static_cast<std::uint16_t>((word >> 16) | 0x40u);
  else bits = static_cast<std::uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
}

BFloat16::operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

Float8::Float8(float value) {
  const std::uint32_t sign = std::bit_cast<std::uint32_t>(value) >> 24 & 0x80u;
  const float size = std::abs(value);
  std::uint32_t magnitude = 0x7f;  // NaN
  if (size >= 448) {
    magnitude = 0x7e;
  } else if (size >= 0x1p-6f) {  // normal: round the float's mantissa to three bits
    const auto word = std::bit_cast<std::uint32_t>(size);
    const std::uint32_t rounded = word + 0x7ffffu + (word >> 20 & 1u);
    magnitude = (rounded - (120u << 23)) >> 20;
  } else if (size < 0x1p-6f) {  // subnormal: a multiple of 2^-9
    magnitude = static_cast<std::uint32_t>(std::nearbyint(size * 512.0f));
  }
  bits = static_cast<std::uint8_t>(sign | magnitude);
}

Float8::operator float() const {
  const std::uint32_t exponent = bits >> 3 & 15u;
  const std::uint32_t mantissa = bits & 7u;
  float size = static_cast<float>(mantissa) * 0x1p-9f;
  if ((bits & 0x7fu) == 0x7fu) size = std::bit_cast<float>(0x7fc00000u);
  else if (exponent != 0) size = std::bit_cast<float>((exponent + 120u) << 23 | mantissa << 20);
  return bits & 0x80u ? -size : size;
}

}  // namespace halftone
