#include <algorithm>
#include <limits>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "starts"}, {2, "ends"}, {3, "axes"}, {4, "steps"}};

/// What is read along each axis: the first element, the step and how many.
struct Range {
  std::int64_t start = 0, step = 1, count = 0;
};

std::vector<Range> ranges_of(const Attributes& attributes, const Shape& shape) {
  const auto starts = ops::required_ints(attributes, "starts");
  const auto ends = ops::required_ints(attributes, "ends");
  auto axes = attributes.get_ints("axes");
  if (!attributes.has("axes"))
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  auto steps = attributes.get_ints("steps");
  if (!attributes.has("steps")) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    fail(Code::invalid_model, "starts, ends, axes and steps have {}, {}, {} and {} values", starts.size(), ends.size(),
         axes.size(), steps.size());
  std::vector<Range> ranges(shape.rank());
  for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i].count = shape[i];
  std::vector<char> seen(shape.rank(), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = normalize_axis(axes[i], shape.rank());
    if (seen[axis]++) fail(Code::invalid_model, "axis {} is named twice", axis);
    const std::int64_t extent = shape[axis];
    const std::int64_t step = std::clamp(steps[i], -std::numeric_limits<std::int64_t>::max() / 2,
                                         std::numeric_limits<std::int64_t>::max() / 2);
    if (step == 0) fail(Code::invalid_model, "the step along axis {} is 0", axis);
    // Python's slices: counted from the end where negative, then held within the extent.
    const auto place = [&](std::int64_t at) {
      if (at < 0) at += extent;
      return step > 0 ? std::clamp(at, std::int64_t{0}, extent) : std::clamp(at, std::int64_t{-1}, extent - 1);
    };
    const std::int64_t start = place(starts[i]);
    const std::int64_t end = place(ends[i]);
    const std::int64_t span = step > 0 ? end - start : start - end;
    const std::int64_t stride = step > 0 ? step : -step;
    ranges[axis] = {start, step, span > 0 ? (span - 1) / stride + 1 : 0};
  }
  return ranges;
}

void infer(InferContext& context) {
  Shape out;
  for (const auto& range : ranges_of(context.attributes, context.shape(0))) out.push_back(range.count);
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void reference(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape();
  const auto ranges = ranges_of(context.attributes, shape);
  auto strides = strides_of(shape);
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    if (ranges[i].count == 0) return;
    begin += ranges[i].start * strides[i];
    strides[i] = ranges[i].count == 1 ? 0 : strides[i] * ranges[i].step;
  }
  ops::copy_strided(context.inputs[0], context.outputs[0], std::move(strides), begin);
}

}  // namespace

extern const Op op_Slice;
const Op op_Slice{.name = "Slice",
                  .min_inputs = 3,
                  .max_inputs = 5,
                  .structural = kStructural,
                  .infer = infer,
                  .reference = reference,
                  .flops = ops::no_flops};

}  // namespace halftone
