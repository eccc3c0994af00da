#include <cmath>

#include "graph/ops/image.h"

namespace halftone {
namespace {

/// For each axis whether the statistics run along it; ONNX's default is [0, 2, 3].
std::vector<bool> reduced_axes(const Attributes& attributes, std::size_t rank) {
  std::vector<bool> reduced(rank, false);
  const auto axes = attributes.has("axes") ? attributes.get_ints("axes") : std::vector<std::int64_t>{0, 2, 3};
  for (const auto axis : axes) reduced[normalize_axis(axis, rank)] = true;
  return reduced;
}

void infer(InferContext& context) {
  ops::require_float(context, 0);
  (void)reduced_axes(context.attributes, context.shape(0).rank());
  context.set_output(0, context.input(0).dtype, context.shape(0));
}

void reference(const ReferenceContext& context) {
  const auto& shape = context.inputs[0].shape();
  const auto reduced = reduced_axes(context.attributes, shape.rank());
  const auto x = context.inputs[0].to_doubles();
  // The statistics an element belongs to: its index with the reduced axes left out.
  std::vector<std::size_t> slot(x.size());
  std::size_t slots = 1;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    slots *= reduced[axis] ? 1 : static_cast<std::size_t>(shape[axis]);
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t stride = 1, at = 0;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      if (!reduced[axis]) {
        at += rest % shape[axis] * stride;
        stride *= shape[axis];
      }
      rest /= shape[axis];
    }
    slot[i] = static_cast<std::size_t>(at);
  }
  std::vector<double> mean(slots), variance(slots), y(x.size());
  const double count = static_cast<double>(x.size()) / static_cast<double>(std::max<std::size_t>(1, slots));
  for (std::size_t i = 0; i < x.size(); ++i) mean[slot[i]] += x[i] / count;
  for (std::size_t i = 0; i < x.size(); ++i)
    variance[slot[i]] += (x[i] - mean[slot[i]]) * (x[i] - mean[slot[i]]) / count;
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - mean[slot[i]]) / (std::sqrt(variance[slot[i]]) + 1e-9);
  ops::store(context.outputs[0], y);
}

}  // namespace

extern const Op op_MeanVarianceNormalization;
const Op op_MeanVarianceNormalization{
    .name = "MeanVarianceNormalization", .infer = infer, .reference = reference, .flops = [](const Problem& problem) {
      return 8 * static_cast<double>(problem.output().shape.count());
    }};

}  // namespace halftone
