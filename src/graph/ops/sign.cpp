#include <cmath>

#include "graph/ops/helpers.h"

// Element-wise operators that integers have too, and those that give bool.
namespace halftone {
namespace {

template <typename T>
T negated(T x) {
  return ops::wrapping(T{0}, x, [](auto a, auto b) { return a - b; });
}

void infer_number(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  ops::infer_same(context);
}

void infer_signed(InferContext& context) {
  ops::require_dtype(context, 0, ops::kFloats | ops::kSigned);
  ops::infer_same(context);
}

void infer_float_predicate(InferContext& context) {
  ops::require_dtype(context, 0, ops::kFloats);
  context.set_output(0, DType::boolean, context.shape(0));
}

template <typename Function>
void map_predicate(const ReferenceContext& context, Function function) {
  ops::visit_float(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<bool>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = function(static_cast<double>(ops::compute(x[i])));
  });
}

}  // namespace

extern const Op op_Abs;
const Op op_Abs{.name = "Abs", .infer = infer_number, .reference = [](const ReferenceContext& context) {
                  ops::map_number(context, [](auto x) {
                    if constexpr (std::is_floating_point_v<decltype(x)>) return std::abs(x);
                    else return x < 0 ? negated(x) : x;
                  });
                }};

extern const Op op_Neg;
const Op op_Neg{.name = "Neg", .infer = infer_signed, .reference = [](const ReferenceContext& context) {
                  ops::map_number(context, [](auto x) {
                    if constexpr (std::is_floating_point_v<decltype(x)>) return -x;
                    else return negated(x);
                  });
                }};

extern const Op op_Sign;
const Op op_Sign{.name = "Sign", .infer = infer_number, .reference = [](const ReferenceContext& context) {
                   ops::map_number(context, [](auto x) {
                     if (x != x) return x;
                     return static_cast<decltype(x)>(static_cast<int>(x > 0) - static_cast<int>(x < 0));
                   });
                 }};

extern const Op op_Shrink;
const Op op_Shrink{.name = "Shrink", .infer = infer_number, .reference = [](const ReferenceContext& context) {
                     const double threshold = context.attributes.get_float("lambd", 0.5);
                     const double bias = context.attributes.get_float("bias", 0);
                     ops::map_number(context, [=](auto x) {
                       const auto value = static_cast<double>(x);
                       if (value < -threshold) return value + bias;
                       return value > threshold ? value - bias : 0.0;
                     });
                   }};

extern const Op op_IsNaN;
const Op op_IsNaN{.name = "IsNaN", .infer = infer_float_predicate, .reference = [](const ReferenceContext& context) {
                    map_predicate(context, [](double x) { return std::isnan(x); });
                  }};

extern const Op op_IsInf;
const Op op_IsInf{.name = "IsInf", .infer = infer_float_predicate, .reference = [](const ReferenceContext& context) {
                    const bool positive = context.attributes.get_int("detect_positive", 1) != 0;
                    const bool negative = context.attributes.get_int("detect_negative", 1) != 0;
                    map_predicate(context, [=](double x) { return std::isinf(x) && (x > 0 ? positive : negative); });
                  }};

extern const Op op_Not;
const Op op_Not{.name = "Not",
                .infer =
                    [](InferContext& context) {
                      ops::require_dtype(context, 0, ops::kBool);
                      ops::infer_same(context);
                    },
                .reference =
                    [](const ReferenceContext& context) {
                      const auto x = context.inputs[0].data<bool>();
                      auto y = context.outputs[0].data<bool>();
                      for (std::size_t i = 0; i < x.size(); ++i) y[i] = !x[i];
                    }};

extern const Op op_BitwiseNot;
const Op op_BitwiseNot{.name = "BitwiseNot",
                       .infer =
                           [](InferContext& context) {
                             ops::require_dtype(context, 0, ops::kIntegers);
                             ops::infer_same(context);
                           },
                       .reference =
                           [](const ReferenceContext& context) {
                             ops::visit_integer(context.inputs[0].dtype(), [&](auto zero) {
                               using T = decltype(zero);
                               const auto x = context.inputs[0].data<T>();
                               auto y = context.outputs[0].data<T>();
                               for (std::size_t i = 0; i < x.size(); ++i) y[i] = static_cast<T>(~x[i]);
                             });
                           }};

}  // namespace halftone
