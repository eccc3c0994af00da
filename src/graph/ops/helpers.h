#pragma once
#include <type_traits>

#include "graph/op.h"

/// What several operator files share.
namespace halftone::ops {

/// The output has the first input's type.
void infer_same(InferContext& context);

/// A stored element as the type to compute in: float for half and bfloat16, itself otherwise.
template <typename T>
auto compute(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return static_cast<float>(value);
  else return value;
}

/// outputs[0][i] = function(inputs[0][i]) for every element type, half types computed in float.
template <typename Function>
void map_float(const ReferenceContext& context, Function function) {
  visit(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = static_cast<T>(function(compute(x[i])));
  });
}

}  // namespace halftone::ops
