#include <algorithm>
#include <numeric>

#include "graph/ops/helpers.h"

// TopK, ArgMax and ArgMin: the order of elements along an axis.
namespace halftone {
namespace {

/// NaN stands above everything, so that the order is total.
template <typename T>
bool below(T a, T b) {
  const auto x = ops::compute(a);
  const auto y = ops::compute(b);
  if (x != x) return false;
  return y != y || x < y;
}

constexpr StructuralInput kCount[] = {{1, "K"}};

std::size_t axis_of(const Attributes& attributes, std::size_t rank, std::int64_t otherwise) {
  return normalize_axis(attributes.get_int("axis", otherwise), rank);
}

void infer_top_k(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  Shape out = context.shape(0);
  const std::size_t axis = axis_of(context.attributes, out.rank(), -1);
  if (!context.attributes.has("K")) fail(Code::invalid_model, "'K' is missing");
  const auto k = context.attributes.get_int("K", 0);
  if (k < 0 || k > out[axis]) fail(Code::invalid_model, "K is {} for an extent of {}", k, out[axis]);
  out[axis] = k;
  context.set_output(0, context.input(0).dtype, out);
  context.set_output(1, DType::i64, out);
}

/// Equal elements keep their order. `sorted` = 0 allows any order; this one is one of them.
void reference_top_k(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape();
  const auto view = ops::around(shape, axis_of(context.attributes, shape.rank(), -1));
  const auto k = static_cast<std::size_t>(context.attributes.get_int("K", 0));
  const bool largest = context.attributes.get_int("largest", 1) != 0;
  Tensor* values = context.outputs[0].defined() ? &context.outputs[0] : nullptr;
  Tensor* places = context.outputs.size() > 1 && context.outputs[1].defined() ? &context.outputs[1] : nullptr;
  ops::visit_number(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    std::vector<std::size_t> order(static_cast<std::size_t>(view.extent));
    for (std::int64_t outer = 0; outer < view.outer; ++outer)
      for (std::int64_t inner = 0; inner < view.inner; ++inner) {
        const auto at = [&](std::size_t i) {
          return x[static_cast<std::size_t>((outer * view.extent + static_cast<std::int64_t>(i)) * view.inner + inner)];
        };
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
          return largest ? below(at(b), at(a)) : below(at(a), at(b));
        });
        for (std::size_t i = 0; i < k; ++i) {
          const std::size_t to = (static_cast<std::size_t>(outer) * k + i) * static_cast<std::size_t>(view.inner) +
                                 static_cast<std::size_t>(inner);
          if (values) values->data<T>()[to] = at(order[i]);
          if (places) places->data<std::int64_t>()[to] = static_cast<std::int64_t>(order[i]);
        }
      }
  });
}

void infer_arg(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  const Shape& in = context.shape(0);
  const std::size_t axis = axis_of(context.attributes, in.rank(), 0);
  if (in[axis] == 0) fail(Code::invalid_model, "axis {} of {} is empty", axis, in.text());
  const bool keep = context.attributes.get_int("keepdims", 1) != 0;
  Shape out;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (i != axis) out.push_back(in[i]);
    else if (keep) out.push_back(1);
  }
  context.set_output(0, DType::i64, std::move(out));
}

template <bool kLargest>
void reference_arg(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape();
  const auto view = ops::around(shape, axis_of(context.attributes, shape.rank(), 0));
  const bool last = context.attributes.get_int("select_last_index", 0) != 0;
  auto y = context.outputs[0].data<std::int64_t>();
  ops::visit_number(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    for (std::int64_t outer = 0; outer < view.outer; ++outer)
      for (std::int64_t inner = 0; inner < view.inner; ++inner) {
        const auto at = [&](std::int64_t i) {
          return x[static_cast<std::size_t>((outer * view.extent + i) * view.inner + inner)];
        };
        std::int64_t best = 0;
        for (std::int64_t i = 1; i < view.extent; ++i) {
          const bool better = kLargest ? below(at(best), at(i)) : below(at(i), at(best));
          const bool equal = !below(at(best), at(i)) && !below(at(i), at(best));
          if (better || (last && equal)) best = i;
        }
        y[static_cast<std::size_t>(outer * view.inner + inner)] = best;
      }
  });
}

double arg_flops(const Problem& problem) { return static_cast<double>(problem.input(0).shape.count()); }

}  // namespace

extern const Op op_TopK;
const Op op_TopK{.name = "TopK",
                 .min_inputs = 2,
                 .max_inputs = 2,
                 .max_outputs = 2,
                 .structural = kCount,
                 .infer = infer_top_k,
                 .reference = reference_top_k,
                 .flops = arg_flops};

extern const Op op_ArgMax;
const Op op_ArgMax{.name = "ArgMax", .infer = infer_arg, .reference = reference_arg<true>, .flops = arg_flops};

extern const Op op_ArgMin;
const Op op_ArgMin{.name = "ArgMin", .infer = infer_arg, .reference = reference_arg<false>, .flops = arg_flops};

}  // namespace halftone
