#include <cmath>

#include "graph/ops/helpers.h"
#include "graph/ops/image.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

/// Offsets into `part`, which broadcasts to `shape`, for every element of `shape`'s last axes from `axis` on and, where
/// it varies there, before.
std::size_t offset_in(const Shape& part, const Shape& shape, std::size_t at) {
  auto rest = static_cast<std::int64_t>(at);
  std::int64_t offset = 0, stride = 1;
  for (std::size_t axis = shape.rank(), own = part.rank(); axis-- > 0 && own-- > 0;) {
    if (part[own] != 1) offset += rest % shape[axis] * stride;
    stride *= part[own];
    rest /= shape[axis];
  }
  return static_cast<std::size_t>(offset);
}

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto& x = context.shape(0);
  const auto axis = normalize_axis(context.attributes.get_int("axis", -1), x.rank());
  for (std::size_t i = 1; i < 3; ++i) {
    if (i == 2 && !context.has(i)) continue;
    ops::require_float(context, i);
    if (context.shape(i).rank() > x.rank() || broadcast(x, context.shape(i)) != x)
      fail(Code::invalid_model, "input {} of shape {} does not broadcast to {}", i, context.shape(i).text(), x.text());
  }
  const auto stash = ops::dtype_attribute(context.attributes, "stash_type", DType::f32);
  if (!is_float(stash)) fail(Code::invalid_model, "stash_type {} is not a float type", name(stash));
  Shape statistics = x;
  for (std::size_t i = axis; i < x.rank(); ++i) statistics[i] = 1;
  context.set_output(0, context.input(0).dtype, x);
  context.set_output(1, stash, statistics);
  context.set_output(2, stash, statistics);
}

void reference(const ReferenceContext& context) {
  const auto& shape = context.inputs[0].shape();
  const auto axis = normalize_axis(context.attributes.get_int("axis", -1), shape.rank());
  const double epsilon = context.attributes.get_float("epsilon", 1e-5);
  const auto count =
      static_cast<std::size_t>(Shape({shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end()}).count());
  const auto x = context.inputs[0].to_doubles();
  const auto scale = context.inputs[1].to_doubles();
  const auto bias = context.has(2) ? context.inputs[2].to_doubles() : std::vector<double>();
  std::vector<double> y(x.size()), means, factors;
  for (std::size_t begin = 0; begin < x.size(); begin += count) {
    double mean = 0, variance = 0;
    for (std::size_t i = begin; i < begin + count; ++i) mean += x[i] / static_cast<double>(count);
    for (std::size_t i = begin; i < begin + count; ++i)
      variance += (x[i] - mean) * (x[i] - mean) / static_cast<double>(count);
    const double factor = 1 / std::sqrt(variance + epsilon);
    for (std::size_t i = begin; i < begin + count; ++i) {
      y[i] = (x[i] - mean) * factor * scale[offset_in(context.inputs[1].shape(), shape, i)];
      if (context.has(2)) y[i] += bias[offset_in(context.inputs[2].shape(), shape, i)];
    }
    means.push_back(mean);
    factors.push_back(factor);
  }
  ops::store(context.outputs[0], y);
  if (x.empty() && context.outputs.size() > 1 && context.outputs[1].defined()) {  // statistics of nothing
    means.assign(static_cast<std::size_t>(context.outputs[1].count()), 0);
    factors = means;
  }
  if (context.outputs.size() > 1 && context.outputs[1].defined()) ops::store(context.outputs[1], means);
  if (context.outputs.size() > 2 && context.outputs[2].defined()) ops::store(context.outputs[2], factors);
}

}  // namespace

extern const Op op_LayerNormalization;
const Op op_LayerNormalization{
    .name = "LayerNormalization",
    .min_inputs = 2,
    .max_inputs = 3,
    .max_outputs = 3,
    .infer = infer,
    .reference = reference,
    .flops = [](const Problem& problem) { return 8 * static_cast<double>(problem.output().shape.count()); }};

}  // namespace halftone
