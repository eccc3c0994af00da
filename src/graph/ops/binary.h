#pragma once
#include <utility>

#include "graph/ops/helpers.h"

/// What element-wise operators of two and more inputs share: NumPy's broadcasting over operands of one type.
namespace halftone::ops {

/// The shape that all inputs from `first` on broadcast to.
Shape broadcast_all(const InferContext& context, std::size_t first = 0);

/// y = function(a, b) element by element; both operands hold A and B, the result R.
template <typename A, typename B, typename R, typename Function>
void zip(const Tensor& a, const Tensor& b, Tensor& y, Function function) {
  const auto x0 = a.data<A>();
  const auto x1 = b.data<B>();
  auto out = y.data<R>();
  Walk walk(y.shape(), {broadcast_strides(a.shape(), y.shape()), broadcast_strides(b.shape(), y.shape())});
  for (std::size_t i = 0; i < out.size(); ++i, walk.next())
    out[i] = stored<R>(function(compute(x0[walk.offset(0)]), compute(x1[walk.offset(1)])));
}

/// Two inputs of one type out of `allowed`; the output has it too, or is bool.
void infer_binary(InferContext& context, DTypeSet allowed);
void infer_comparison(InferContext& context, DTypeSet allowed);

/// outputs[0] = function(inputs[0], inputs[1]) on numbers of one type.
template <typename Function>
void zip_number(const ReferenceContext& context, Function function) {
  visit_number(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    zip<T, T, T>(context.inputs[0], context.inputs[1], context.outputs[0], function);
  });
}

}  // namespace halftone::ops
