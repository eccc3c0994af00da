#include <cmath>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{0, "start", true}, {1, "limit", true}, {2, "delta", true}};

Tensor scalar(const Attributes& attributes, std::string_view name) {
  const Tensor value = attributes.get_tensor(name);
  if (!value.defined()) fail(Code::invalid_model, "'{}' is missing", name);
  if (value.count() != 1) fail(Code::invalid_model, "'{}' has {} elements, not one", name, value.count());
  return value;
}

/// max(0, ceil((limit - start) / delta)), exactly for integers, whose difference always fits 64 unsigned bits.
template <typename T>
double count_of(T start, T limit, T delta) {
  if (delta == 0) fail(Code::invalid_model, "delta is 0");
  if constexpr (std::is_integral_v<T>) {
    const bool up = delta > 0;
    if (up ? limit <= start : limit >= start) return 0;
    const auto difference = [](T from, T to) {
      return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    };
    const std::uint64_t distance = up ? difference(start, limit) : difference(limit, start);
    const std::uint64_t step = up ? difference(0, delta) : difference(delta, 0);
    return static_cast<double>(distance / step + (distance % step != 0));
  } else {
    const double count =
        std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    return count <= 0 ? 0 : count;  // NaN stays, for infer to refuse
  }
}

void infer(InferContext& context) {
  constexpr double kMost = 0x1p48;
  const Tensor start = scalar(context.attributes, "start");
  const Tensor limit = scalar(context.attributes, "limit");
  const Tensor delta = scalar(context.attributes, "delta");
  if (limit.dtype() != start.dtype() || delta.dtype() != start.dtype() || !ops::kNumbers.contains(start.dtype()))
    fail(Code::invalid_model, "start, limit and delta are {}, {} and {}", name(start.dtype()), name(limit.dtype()),
         name(delta.dtype()));
  ops::visit_number(start.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto first = [](const Tensor& tensor) { return ops::compute(tensor.data<T>()[0]); };
    const double count = count_of(first(start), first(limit), first(delta));
    if (!(count < kMost)) fail(Code::resource_exhausted, "a range of {} elements", count);
    context.set_output(0, start.dtype(), Shape{static_cast<std::int64_t>(count)});
  });
}

void reference(const ReferenceContext& context) {
  const Tensor start = scalar(context.attributes, "start");
  const Tensor delta = scalar(context.attributes, "delta");
  ops::visit_number(start.dtype(), [&](auto zero) {
    using T = decltype(zero);
    auto y = context.outputs[0].data<T>();
    const auto first = ops::compute(start.data<T>()[0]);
    const auto step = ops::compute(delta.data<T>()[0]);
    for (std::size_t i = 0; i < y.size(); ++i) {
      if constexpr (std::is_integral_v<T>)
        y[i] = static_cast<T>(static_cast<std::uint64_t>(first) + i * static_cast<std::uint64_t>(step));
      else y[i] = ops::stored<T>(static_cast<double>(first) + static_cast<double>(i) * static_cast<double>(step));
    }
  });
}

}  // namespace

extern const Op op_Range;
const Op op_Range{.name = "Range",
                  .min_inputs = 3,
                  .max_inputs = 3,
                  .structural = kStructural,
                  .infer = infer,
                  .reference = reference};

}  // namespace halftone
