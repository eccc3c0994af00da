#include "graph/ops/quantization.h"

namespace halftone::ops {

QuantizationAxis quantization_axis(const Attributes& attributes, const Shape& x, const Shape& scale) {
  if (attributes.get_int("block_size", 0) != 0) fail(Code::unsupported, "quantisation in blocks (block_size)");
  if (scale.rank() == 0 || (scale.rank() == 1 && scale[0] == 1)) return {};
  if (scale.rank() != 1)
    fail(Code::invalid_model, "a scale of shape {} is neither a scalar nor a vector", scale.text());
  const auto axis = normalize_axis(attributes.get_int("axis", 1), x.rank());
  if (scale[0] != x[axis]) fail(Code::invalid_model, "{} scales for extent {} of axis {}", scale[0], x[axis], axis);
  return {std::max<std::int64_t>(1, Shape({x.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.end()}).count()),
          std::max<std::int64_t>(1, scale[0])};
}

void check_quantization(const InferContext& context, std::size_t scale, std::size_t zero, DType zero_dtype) {
  const auto dtype = context.input(scale).dtype;
  if (!is_float(dtype)) fail(Code::invalid_model, "the scale, input {}, is {}, not a float type", scale, name(dtype));
  if (!context.has(zero)) return;
  if (context.input(zero).dtype != zero_dtype)
    fail(Code::invalid_model, "the zero point, input {}, is {}, not {}", zero, name(context.input(zero).dtype),
         name(zero_dtype));
  if (context.shape(zero).count() != context.shape(scale).count())
    fail(Code::invalid_model, "{} zero points for {} scales", context.shape(zero).count(),
         context.shape(scale).count());
}

Range range_of(DType dtype) {
  switch (dtype) {
    case DType::u8: return {0, 255};
    case DType::i8: return {-128, 127};
    case DType::u16: return {0, 65535};
    case DType::i16: return {-32768, 32767};
    case DType::f8e4m3: return {-448, 448};
    default: return {0, -1};
  }
}

void require_8bit(const InferContext& context, std::size_t a, std::size_t b) {
  for (const auto i : {a, b}) {
    const auto dtype = context.input(i).dtype;
    if (!is_8bit(dtype)) fail(Code::invalid_model, "input {} is {}, u8 or i8 is needed", i, name(dtype));
  }
}

void check_zero_point(const InferContext& context, std::size_t zero, std::size_t of, std::int64_t channels) {
  if (!context.has(zero)) return;
  if (context.input(zero).dtype != context.input(of).dtype)
    fail(Code::invalid_model, "the zero point, input {}, is {}, its data {}", zero, name(context.input(zero).dtype),
         name(context.input(of).dtype));
  const auto count = context.shape(zero).count();
  if (count != 1 && (count != channels || context.shape(zero).rank() != 1))
    fail(Code::invalid_model, "zero points {}, input {}, for {} channels", context.shape(zero).text(), zero, channels);
}

std::vector<double> centred(const ReferenceContext& context, std::size_t values, std::size_t zeros,
                            std::int64_t inner) {
  auto result = context.inputs[values].to_doubles();
  if (!context.has(zeros)) return result;
  const auto zero = context.inputs[zeros].to_doubles();
  const QuantizationAxis axis{std::max<std::int64_t>(1, inner), static_cast<std::int64_t>(zero.size())};
  for (std::size_t i = 0; i < result.size(); ++i) result[i] -= zero[axis.entry(i)];
  return result;
}

}  // namespace halftone::ops
