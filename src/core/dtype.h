#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace halftone {

/// Element types. `none` marks a type not known yet.
enum class DType : std::uint8_t { none, f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64, boolean, f8e4m3 };

/// Bytes an element takes.
std::size_t size_of(DType dtype);

/// The name in Problem lines and JSON: f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64, bool,
/// f8e4m3.
std::string_view name(DType dtype);

/// The inverse of name().
std::optional<DType> parse_dtype(std::string_view text);

bool is_float(DType dtype);    ///< to compute with: f8e4m3, which only holds quantised data, is not among them
bool is_integer(DType dtype);  ///< signed or unsigned, bool not among them
bool is_8bit(DType dtype);     ///< i8 or u8, what quantised activations are stored in

bool is_quantised(DType dtype);  ///< what data is quantised to for products: i8, u8 and f8e4m3

/// IEEE binary16 and bfloat16 as stored; they convert to and from float, rounding to nearest even.
struct Half {
  std::uint16_t bits = 0;
  Half() = default;
  explicit Half(float value);
  explicit operator float() const;
};

struct BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};

/// An 8-bit float of 4 bits of exponent and 3 of mantissa, without infinities (Micikevicius et al. 2022; ONNX's
/// FLOAT8E4M3FN). Rounds to nearest even and saturates at 448.
struct Float8 {
  std::uint8_t bits = 0;
  Float8() = default;
  explicit Float8(float value);
  explicit operator float() const;
};

template <typename T>
inline constexpr DType dtype_of = DType::none;
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<Half> = DType::f16;
template <>
inline constexpr DType dtype_of<BFloat16> = DType::bf16;
template <>
inline constexpr DType dtype_of<Float8> = DType::f8e4m3;
template <>
inline constexpr DType dtype_of<std::int8_t> = DType::i8;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::int16_t> = DType::i16;
template <>
inline constexpr DType dtype_of<std::uint16_t> = DType::u16;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::uint32_t> = DType::u32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<std::uint64_t> = DType::u64;
template <>
inline constexpr DType dtype_of<bool> = DType::boolean;

/// Calls `function` with a value-initialised element of the C++ type that stores `dtype`:
/// `visit(dtype, [&](auto zero) { using T = decltype(zero); … })`. `none` is a bug.
template <typename Function>
decltype(auto) visit(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::f64: return function(double{});
    case DType::f16: return function(Half{});
    case DType::bf16: return function(BFloat16{});
    case DType::f8e4m3: return function(Float8{});
    case DType::i8: return function(std::int8_t{});
    case DType::u8: return function(std::uint8_t{});
    case DType::i16: return function(std::int16_t{});
    case DType::u16: return function(std::uint16_t{});
    case DType::i32: return function(std::int32_t{});
    case DType::u32: return function(std::uint32_t{});
    case DType::i64: return function(std::int64_t{});
    case DType::u64: return function(std::uint64_t{});
    case DType::boolean: return function(bool{});
    default: return function(float{});
  }
}

/// What a run computes in: `int8` means explicit QuantizeLinear/DequantizeLinear in the graph.
enum class Precision : std::uint8_t { fp32, tf32, bf16, fp16, int8, fp8 };
std::string_view name(Precision precision);
std::optional<Precision> parse_precision(std::string_view text);

}  // namespace halftone
