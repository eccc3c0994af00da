#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <vector>

#include "graph/op.h"

/// What several operator files share.
namespace halftone::ops {

/// The element types an input may have.
class DTypeSet {
 public:
  constexpr DTypeSet(std::initializer_list<DType> dtypes) {
    for (const auto dtype : dtypes) bits_ |= 1u << static_cast<unsigned>(dtype);
  }
  constexpr bool contains(DType dtype) const { return ((bits_ >> static_cast<unsigned>(dtype)) & 1u) != 0; }
  constexpr DTypeSet operator|(DTypeSet other) const {
    other.bits_ |= bits_;
    return other;
  }

 private:
  unsigned bits_ = 0;
};

inline constexpr DTypeSet kFloats{DType::f32, DType::f64, DType::f16, DType::bf16};
inline constexpr DTypeSet kSigned{DType::i8, DType::i16, DType::i32, DType::i64};
inline constexpr DTypeSet kUnsigned{DType::u8, DType::u16, DType::u32, DType::u64};
inline constexpr DTypeSet kIntegers = kSigned | kUnsigned;
inline constexpr DTypeSet kNumbers = kFloats | kIntegers;
inline constexpr DTypeSet kBool{DType::boolean};
inline constexpr DTypeSet kIndices{DType::i32, DType::i64};
inline constexpr DTypeSet kAnyType = kNumbers | kBool;

/// Throws invalid_model unless input `index` is there and has one of these types.
void require_dtype(const InferContext& context, std::size_t index, DTypeSet allowed);

/// Throws invalid_model unless inputs `a` and `b` have one type.
void require_same_dtype(const InferContext& context, std::size_t a, std::size_t b);

/// A list of integers that must be there (a required structural input). Throws invalid_model.
std::vector<std::int64_t> required_ints(const Attributes& attributes, std::string_view name);

/// An element type given as a word of Problem lines ("f16") or as the number ONNX files use (TensorProto.DataType).
/// `otherwise` where the attribute is absent or 0 (ONNX's UNDEFINED). Throws invalid_model for other words, unsupported
/// for types there are no tensors of.
DType dtype_attribute(const Attributes& attributes, std::string_view name, DType otherwise = DType::none);

/// a * b and a + b for extents. Throws resource_exhausted on overflow.
std::int64_t checked_multiply(std::int64_t a, std::int64_t b);
std::int64_t checked_add(std::int64_t a, std::int64_t b);

/// The output has the first input's type.
void infer_same(InferContext& context);

/// For operators that only move elements.
double no_flops(const Problem& problem);

/// A stored element as the type to compute in: float for half and bfloat16, itself otherwise.
template <typename T>
auto compute(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16> || std::is_same_v<T, Float8>)
    return static_cast<float>(value);
  else return value;
}

/// A number as the stored type. Doubles out of an integer's range are taken to its nearest end, NaN to 0.
template <typename T, typename From>
T stored(From value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16> || std::is_same_v<T, Float8>) {
    return T(static_cast<float>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_floating_point_v<From>) {
    if (value != value) return T{0};
    constexpr double low = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double high = static_cast<double>(std::numeric_limits<T>::max());
    if (static_cast<double>(value) <= low) return std::numeric_limits<T>::min();
    if (static_cast<double>(value) >= high) return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  } else {
    return static_cast<T>(value);
  }
}

/// Like visit(), for the floating-point types only, and for all types but bool; `dtype` was checked by `infer`.
template <typename Function>
void visit_float(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::f64: return function(double{});
    case DType::f16: return function(Half{});
    case DType::bf16: return function(BFloat16{});
    default: return function(float{});
  }
}

template <typename Function>
void visit_integer(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::i8: return function(std::int8_t{});
    case DType::u8: return function(std::uint8_t{});
    case DType::i16: return function(std::int16_t{});
    case DType::u16: return function(std::uint16_t{});
    case DType::i32: return function(std::int32_t{});
    case DType::u32: return function(std::uint32_t{});
    case DType::u64: return function(std::uint64_t{});
    default: return function(std::int64_t{});
  }
}

template <typename Function>
void visit_number(DType dtype, Function&& function) {
  if (is_float(dtype)) visit_float(dtype, function);
  else visit_integer(dtype, function);
}

/// outputs[0][i] = function(inputs[0][i]) for floating-point types, computed in double.
template <typename Function>
void map_float(const ReferenceContext& context, Function function) {
  visit_float(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = stored<T>(function(static_cast<double>(compute(x[i]))));
  });
}

/// outputs[0][i] = function(inputs[0][i]) for all types but bool: half types in float, the others in their own type.
template <typename Function>
void map_number(const ReferenceContext& context, Function function) {
  visit_number(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = stored<T>(function(compute(x[i])));
  });
}

/// Integer arithmetic that wraps, so that no input overflows it in C++'s sense; ordinary for floats.
template <typename T, typename Function>
T wrapping(T a, T b, Function function) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(function(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  else return function(a, b);
}

/// Strides that read `from` as if it had shape `to`, which it broadcasts to: 0 along repeated axes.
std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to);

/// Visits the indices of a shape in row-major order and follows one offset for each operand, given by its strides.
class Walk {
 public:
  Walk(Shape shape, std::vector<std::vector<std::int64_t>> strides);
  std::size_t offset(std::size_t operand) const { return static_cast<std::size_t>(offsets_[operand]); }
  const std::vector<std::int64_t>& index() const { return index_; }
  void next();

 private:
  Shape shape_;
  std::vector<std::vector<std::int64_t>> strides_;
  std::vector<std::int64_t> index_;
  std::vector<std::int64_t> offsets_;
};

/// to[i] = from[begin + offset of i under strides] for every i of `to`'s shape, whatever the element type.
void copy_strided(const Tensor& from, Tensor& to, std::vector<std::int64_t> strides, std::int64_t begin = 0);

/// A shape seen around one axis: extents before it, its own, and after it.
struct AxisView {
  std::int64_t outer = 1;
  std::int64_t extent = 1;
  std::int64_t inner = 1;
};
AxisView around(const Shape& shape, std::size_t axis);

}  // namespace halftone::ops
