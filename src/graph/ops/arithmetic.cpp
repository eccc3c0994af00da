#include <cmath>

#include "graph/ops/binary.h"

namespace halftone {
namespace ops {

Shape broadcast_all(const InferContext& context, std::size_t first) {
  Shape shape = context.shape(first);
  for (std::size_t i = first + 1; i < context.input_count(); ++i) shape = broadcast(shape, context.shape(i));
  return shape;
}

void infer_binary(InferContext& context, DTypeSet allowed) {
  require_dtype(context, 0, allowed);
  require_same_dtype(context, 0, 1);
  context.set_output(0, context.input(0).dtype, broadcast_all(context));
}

void infer_comparison(InferContext& context, DTypeSet allowed) {
  require_dtype(context, 0, allowed);
  require_same_dtype(context, 0, 1);
  context.set_output(0, DType::boolean, broadcast_all(context));
}

}  // namespace ops

namespace {

void infer_numbers(InferContext& context) { ops::infer_binary(context, ops::kNumbers); }

/// Integers are divided towards zero; a division by zero gives 0, as NumPy has it.
template <typename T>
T divided(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return ops::wrapping(T{0}, a, [](auto x, auto y) { return x - y; });
    return static_cast<T>(a / b);
  } else {
    return a / b;
  }
}

/// The remainder with the sign of the dividend (fmod), or of the divisor.
template <typename T>
T remainder_of(T a, T b, bool fmod) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(a, b);
  } else {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
      const T rest = static_cast<T>(a % b);
      return !fmod && rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
    } else {
      return static_cast<T>(a % b);
    }
  }
}

/// Exact, wrapping, for an integer base and an exponent that is not negative.
template <typename T>
T integer_power(T base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (auto square = static_cast<std::uint64_t>(base); exponent != 0; exponent >>= 1, square *= square)
    if (exponent & 1) result *= square;
  return static_cast<T>(result);
}

void infer_pow(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  ops::require_dtype(context, 1, ops::kNumbers);
  context.set_output(0, context.input(0).dtype, ops::broadcast_all(context));
}

void reference_pow(const ReferenceContext& context) {
  ops::visit_number(context.inputs[0].dtype(), [&](auto a_zero) {
    using A = decltype(a_zero);
    ops::visit_number(context.inputs[1].dtype(), [&](auto b_zero) {
      using B = decltype(b_zero);
      ops::zip<A, B, A>(context.inputs[0], context.inputs[1], context.outputs[0], [](auto a, auto b) {
        if constexpr (std::is_integral_v<A> && std::is_integral_v<B>)
          if (b >= 0) return integer_power(a, static_cast<std::uint64_t>(b));
        return ops::stored<decltype(a)>(std::pow(static_cast<double>(a), static_cast<double>(b)));
      });
    });
  });
}

void infer_mod(InferContext& context) {
  infer_numbers(context);
  if (is_float(context.input(0).dtype) && context.attributes.get_int("fmod", 0) == 0)
    fail(Code::invalid_model, "floating-point types need fmod=1");
}

void reference_mod(const ReferenceContext& context) {
  const bool fmod = context.attributes.get_int("fmod", 0) != 0;
  ops::zip_number(context, [=](auto a, auto b) { return remainder_of(a, b, fmod); });
}

void infer_prelu(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  ops::require_same_dtype(context, 0, 1);
  if (ops::broadcast_all(context) != context.shape(0))
    fail(Code::invalid_model, "slope {} does not broadcast to {}", context.shape(1).text(), context.shape(0).text());
  ops::infer_same(context);
}

}  // namespace

extern const Op op_Add;
const Op op_Add{.name = "Add",
                .min_inputs = 2,
                .max_inputs = 2,
                .infer = infer_numbers,
                .reference = [](const ReferenceContext& context) {
                  ops::zip_number(context, [](auto a, auto b) {
                    return ops::wrapping(a, b, [](auto x, auto y) { return x + y; });
                  });
                }};

extern const Op op_Sub;
const Op op_Sub{.name = "Sub",
                .min_inputs = 2,
                .max_inputs = 2,
                .infer = infer_numbers,
                .reference = [](const ReferenceContext& context) {
                  ops::zip_number(context, [](auto a, auto b) {
                    return ops::wrapping(a, b, [](auto x, auto y) { return x - y; });
                  });
                }};

extern const Op op_Mul;
const Op op_Mul{.name = "Mul",
                .min_inputs = 2,
                .max_inputs = 2,
                .infer = infer_numbers,
                .reference = [](const ReferenceContext& context) {
                  ops::zip_number(context, [](auto a, auto b) {
                    return ops::wrapping(a, b, [](auto x, auto y) { return x * y; });
                  });
                }};

extern const Op op_Div;
const Op op_Div{.name = "Div",
                .min_inputs = 2,
                .max_inputs = 2,
                .infer = infer_numbers,
                .reference = [](const ReferenceContext& context) {
                  ops::zip_number(context, [](auto a, auto b) { return divided(a, b); });
                }};

extern const Op op_Pow;
const Op op_Pow{.name = "Pow", .min_inputs = 2, .max_inputs = 2, .infer = infer_pow, .reference = reference_pow};

extern const Op op_Mod;
const Op op_Mod{.name = "Mod", .min_inputs = 2, .max_inputs = 2, .infer = infer_mod, .reference = reference_mod};

extern const Op op_PRelu;
const Op op_PRelu{.name = "PRelu",
                  .min_inputs = 2,
                  .max_inputs = 2,
                  .infer = infer_prelu,
                  .reference = [](const ReferenceContext& context) {
                    ops::zip_number(context, [](auto x, auto slope) {
                      return x < 0 ? ops::wrapping(x, slope, [](auto a, auto b) { return a * b; }) : x;
                    });
                  }};

}  // namespace halftone
