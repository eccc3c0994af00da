#include <algorithm>
#include <cstring>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

constexpr StructuralInput kStructural[] = {{1, "split"}};

void infer(InferContext& context) {
  const Shape& in = context.shape(0);
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), in.rank());
  const auto parts = static_cast<std::int64_t>(context.output_count());
  auto extents = context.attributes.get_ints("split");
  if (!context.attributes.has("split")) {
    const auto stated = context.attributes.get_int("num_outputs", parts);
    if (stated != parts) fail(Code::invalid_model, "num_outputs is {} but there are {} outputs", stated, parts);
    // All parts are of one extent but the last, which may be smaller (opset 18).
    const std::int64_t extent = (in[axis] + parts - 1) / parts;
    for (std::int64_t i = 0; i < parts; ++i)
      extents.push_back(std::clamp(in[axis] - i * extent, std::int64_t{0}, extent));
  }
  if (extents.size() != context.output_count())
    fail(Code::invalid_model, "split names {} extents for {} outputs", extents.size(), parts);
  std::int64_t total = 0;
  for (const auto extent : extents) {
    if (extent < 0) fail(Code::invalid_model, "split has a negative extent, {}", extent);
    total = ops::checked_add(total, extent);
  }
  if (total != in[axis]) fail(Code::invalid_model, "split adds up to {} for an extent of {}", total, in[axis]);
  for (std::size_t i = 0; i < extents.size(); ++i) {
    Shape out = in;
    out[axis] = extents[i];
    context.set_output(i, context.input(0).dtype, std::move(out));
  }
}

void reference(const ReferenceContext& context) {
  const Tensor& x = context.inputs[0];
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), x.shape().rank());
  const auto size = static_cast<std::int64_t>(size_of(x.dtype()));
  const auto in = ops::around(x.shape(), axis);
  const auto given = context.attributes.get_ints("split");
  const auto parts = static_cast<std::int64_t>(context.outputs.size());
  const std::int64_t even = (in.extent + parts - 1) / parts;
  std::int64_t begin = 0;
  for (std::size_t k = 0; k < context.outputs.size(); ++k) {
    const std::int64_t extent = given.empty() ? std::clamp(in.extent - begin, std::int64_t{0}, even) : given[k];
    Tensor& y = context.outputs[k];
    const std::int64_t run = extent * in.inner * size;
    for (std::int64_t i = 0; y.defined() && run != 0 && i < in.outer; ++i)
      std::memcpy(static_cast<std::byte*>(y.raw()) + i * run,
                  static_cast<const std::byte*>(x.raw()) + (i * in.extent + begin) * in.inner * size,
                  static_cast<std::size_t>(run));
    begin += extent;
  }
}

}  // namespace

extern const Op op_Split;
const Op op_Split{.name = "Split",
                  .max_inputs = 2,
                  .max_outputs = Op::kAnyNumber,
                  .structural = kStructural,
                  .infer = infer,
                  .reference = reference,
                  .flops = ops::no_flops};

}  // namespace halftone
