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

/// start, start + delta, … while below limit (above, for a negative delta): max(0, ceil((limit - start) / delta)) many.
void infer(InferContext& context) {
  constexpr double kMost = 0x1p48;
  const Tensor start = scalar(context.attributes, "start");
  const Tensor limit = scalar(context.attributes, "limit");
  const Tensor delta = scalar(context.attributes, "delta");
  if (limit.dtype() != start.dtype() || delta.dtype() != start.dtype() || !ops::kNumbers.contains(start.dtype()))
    fail(Code::invalid_model, "start, limit and delta are {}, {} and {}", name(start.dtype()), name(limit.dtype()),
         name(delta.dtype()));
  const double step = delta.to_doubles()[0];
  if (step == 0) fail(Code::invalid_model, "delta is 0");
  const double count = std::ceil((limit.to_doubles()[0] - start.to_doubles()[0]) / step);
  if (!(count < kMost)) fail(Code::resource_exhausted, "a range of {} elements", count);
  context.set_output(0, start.dtype(), Shape{count > 0 ? static_cast<std::int64_t>(count) : 0});
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
