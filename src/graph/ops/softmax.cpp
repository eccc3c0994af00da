#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/ops/helpers.h"

// Softmax, LogSoftmax and Hardmax along one axis (opset 13).
namespace halftone {
namespace {

std::size_t axis_of(const Attributes& attributes, std::size_t rank) {
  return normalize_axis(attributes.get_int("axis", -1), rank);
}

void infer(InferContext& context) {
  ops::require_dtype(context, 0, ops::kFloats);
  (void)axis_of(context.attributes, context.shape(0).rank());
  ops::infer_same(context);
}

/// Hands every line of elements along the axis to `function`, which changes it in place.
template <typename Function>
void along_axis(const ReferenceContext& context, Function function) {
  const Shape& shape = context.inputs[0].shape();
  const auto view = ops::around(shape, axis_of(context.attributes, shape.rank()));
  ops::visit_float(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<T>();
    std::vector<double> line(static_cast<std::size_t>(view.extent));
    if (x.empty()) return;
    for (std::int64_t outer = 0; outer < view.outer; ++outer)
      for (std::int64_t inner = 0; inner < view.inner; ++inner) {
        const auto at = [&](std::size_t i) {
          return static_cast<std::size_t>((outer * view.extent + static_cast<std::int64_t>(i)) * view.inner + inner);
        };
        for (std::size_t i = 0; i < line.size(); ++i) line[i] = static_cast<double>(ops::compute(x[at(i)]));
        function(line);
        for (std::size_t i = 0; i < line.size(); ++i) y[at(i)] = ops::stored<T>(line[i]);
      }
  });
}

/// softmax(x) = exp(x - largest) / total, which does not overflow.
struct Normaliser {
  double largest, total;
};

Normaliser normaliser(const std::vector<double>& line) {
  const double largest = *std::max_element(line.begin(), line.end());
  double total = 0;
  for (const double value : line) total += std::exp(value - largest);
  return {largest, total};
}

double flops(const Problem& problem) { return 5 * static_cast<double>(problem.output().shape.count()); }

}  // namespace

extern const Op op_Softmax;
const Op op_Softmax{.name = "Softmax",
                    .infer = infer,
                    .reference =
                        [](const ReferenceContext& context) {
                          along_axis(context, [](std::vector<double>& line) {
                            const auto [largest, total] = normaliser(line);
                            for (auto& value : line) value = std::exp(value - largest) / total;
                          });
                        },
                    .flops = flops};

extern const Op op_LogSoftmax;
const Op op_LogSoftmax{.name = "LogSoftmax",
                       .infer = infer,
                       .reference =
                           [](const ReferenceContext& context) {
                             along_axis(context, [](std::vector<double>& line) {
                               const auto [largest, total] = normaliser(line);
                               for (auto& value : line) value = value - largest - std::log(total);
                             });
                           },
                       .flops = flops};

extern const Op op_Hardmax;
const Op op_Hardmax{.name = "Hardmax", .infer = infer, .reference = [](const ReferenceContext& context) {
                      along_axis(context, [](std::vector<double>& line) {
                        const auto first = std::max_element(line.begin(), line.end());
                        const auto chosen = static_cast<std::size_t>(first - line.begin());
                        std::fill(line.begin(), line.end(), 0.0);
                        line[chosen] = 1;
                      });
                    }};

}  // namespace halftone
