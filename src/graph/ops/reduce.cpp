#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "axes"}};

/// Which axes are reduced: those named, or all where none are (unless noop_with_empty_axes says none).
std::vector<char> reduced_axes(const Attributes& attributes, std::size_t rank) {
  const auto axes = attributes.get_ints("axes");
  if (axes.empty()) return std::vector<char>(rank, attributes.get_int("noop_with_empty_axes", 0) == 0);
  std::vector<char> reduced(rank, 0);
  for (const auto axis : axes) reduced[normalize_axis(axis, rank)] = 1;
  return reduced;
}

void infer(InferContext& context, ops::DTypeSet allowed) {
  ops::require_dtype(context, 0, allowed);
  const Shape& in = context.shape(0);
  const auto reduced = reduced_axes(context.attributes, in.rank());
  const bool keep = context.attributes.get_int("keepdims", 1) != 0;
  Shape out;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (!reduced[i]) out.push_back(in[i]);
    else if (keep) out.push_back(1);
  }
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void infer_numbers(InferContext& context) { infer(context, ops::kNumbers); }
void infer_any(InferContext& context) { infer(context, ops::kAnyType); }

/// Each output element = function(the elements reduced to it): doubles for floats, the type itself for the rest.
template <typename T, typename Function>
void reduce(const ReferenceContext& context, Function function) {
  using Element = std::conditional_t<std::is_integral_v<T>, T, double>;
  const Shape& in = context.inputs[0].shape();
  const auto strides = strides_of(in);
  const auto reduced = reduced_axes(context.attributes, in.rank());
  Shape kept_shape, group_shape;
  std::vector<std::int64_t> kept_strides, group_strides;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    (reduced[i] ? group_shape : kept_shape).push_back(in[i]);
    (reduced[i] ? group_strides : kept_strides).push_back(strides[i]);
  }
  const auto x = context.inputs[0].data<T>();
  auto y = context.outputs[0].data<T>();
  // vector<bool> has no span, so bool is held as a byte.
  using Held = std::conditional_t<std::is_same_v<Element, bool>, std::uint8_t, Element>;
  std::vector<Held> group(static_cast<std::size_t>(group_shape.count()));
  ops::Walk outer(kept_shape, {kept_strides});
  for (std::size_t i = 0; i < y.size(); ++i, outer.next()) {
    ops::Walk inner(group_shape, {group_strides});
    for (auto& element : group) {
      element = static_cast<Held>(ops::compute(x[outer.offset(0) + inner.offset(0)]));
      inner.next();
    }
    y[i] = ops::stored<T>(function(std::span<const Held>(group)));
  }
}

template <typename Function>
void reduce_number(const ReferenceContext& context, Function function) {
  ops::visit_number(context.inputs[0].dtype(), [&](auto zero) { reduce<decltype(zero)>(context, function); });
}

/// A function of doubles, for those that leave the integers (norms, logarithms).
void reduce_in_double(const ReferenceContext& context, double (*function)(const std::vector<double>&)) {
  reduce_number(context, [&](auto group) { return function(std::vector<double>(group.begin(), group.end())); });
}

constexpr auto kAdd = [](auto a, auto b) { return a + b; };
constexpr auto kMultiply = [](auto a, auto b) { return a * b; };

template <typename T>
T sum(std::span<const T> group) {
  T total{};
  for (const T value : group) total = ops::wrapping(total, value, kAdd);
  return total;
}

/// The largest (or smallest) element, NaN when there is one; of nothing, the type's other end.
template <bool kLargest, typename T>
T extreme(std::span<const T> group) {
  using Limits = std::numeric_limits<T>;
  constexpr bool kFloat = std::is_floating_point_v<T>;
  T best = kLargest ? (kFloat ? -Limits::infinity() : Limits::lowest()) : (kFloat ? Limits::infinity() : Limits::max());
  for (const T value : group)
    if (value != value || (kLargest ? value > best : value < best)) best = value;
  return best;
}

template <bool kLargest>
void reduce_extreme(const ReferenceContext& context) {
  visit(context.inputs[0].dtype(),
        [&](auto zero) { reduce<decltype(zero)>(context, [](auto group) { return extreme<kLargest>(group); }); });
}

double log_sum_exp(const std::vector<double>& group) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const double value : group) largest = std::max(largest, value);
  if (std::isinf(largest)) return largest;
  double total = 0;
  for (const double value : group) total += std::exp(value - largest);
  return std::log(total) + largest;
}

double flops(const Problem& problem) { return static_cast<double>(problem.input(0).shape.count()); }

}  // namespace

#define HALFTONE_REDUCE(NAME, INFER, ...)                                               \
  extern const Op op_##NAME;                                                            \
  const Op op_##NAME{.name = #NAME,                                                     \
                     .max_inputs = 2,                                                   \
                     .structural = kStructural,                                         \
                     .infer = INFER,                                                    \
                     .reference = [](const ReferenceContext& context) { __VA_ARGS__; }, \
                     .flops = flops};

HALFTONE_REDUCE(ReduceSum, infer_numbers, reduce_number(context, [](auto group) { return sum(group); }))
// The mean of integers is cut towards zero.
HALFTONE_REDUCE(ReduceMean, infer_numbers, reduce_in_double(context, [](const std::vector<double>& group) {
                  return sum(std::span<const double>(group)) / static_cast<double>(group.size());
                }))
HALFTONE_REDUCE(ReduceProd, infer_numbers, reduce_number(context, [](auto group) {
                  std::decay_t<decltype(group[0])> product = 1;
                  for (const auto value : group) product = ops::wrapping(product, value, kMultiply);
                  return product;
                }))
HALFTONE_REDUCE(ReduceMax, infer_any, reduce_extreme<true>(context))
HALFTONE_REDUCE(ReduceMin, infer_any, reduce_extreme<false>(context))
HALFTONE_REDUCE(ReduceSumSquare, infer_numbers, reduce_number(context, [](auto group) {
                  std::decay_t<decltype(group[0])> total = 0;
                  for (const auto value : group)
                    total = ops::wrapping(total, ops::wrapping(value, value, kMultiply), kAdd);
                  return total;
                }))
HALFTONE_REDUCE(ReduceL1, infer_numbers, reduce_in_double(context, [](const std::vector<double>& group) {
                  double total = 0;
                  for (const double value : group) total += std::abs(value);
                  return total;
                }))
HALFTONE_REDUCE(ReduceL2, infer_numbers, reduce_in_double(context, [](const std::vector<double>& group) {
                  double total = 0;
                  for (const double value : group) total += value * value;
                  return std::sqrt(total);
                }))
HALFTONE_REDUCE(ReduceLogSum, infer_numbers, reduce_in_double(context, [](const std::vector<double>& group) {
                  double total = 0;
                  for (const double value : group) total += value;
                  return std::log(total);
                }))
HALFTONE_REDUCE(ReduceLogSumExp, infer_numbers, reduce_in_double(context, log_sum_exp))

}  // namespace halftone
