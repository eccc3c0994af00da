#include <algorithm>
#include <cstring>

#include "graph/ops/helpers.h"

// Operators that give the same elements another shape.
namespace halftone {
namespace {

void copy(const ReferenceContext& context) {
  if (context.inputs[0].bytes() != 0)
    std::memcpy(context.outputs[0].raw(), context.inputs[0].raw(), context.inputs[0].bytes());
}

constexpr StructuralInput kShape[] = {{1, "shape"}};
constexpr StructuralInput kAxes[] = {{1, "axes"}};

void infer_reshape(InferContext& context) {
  const Shape& in = context.shape(0);
  auto dims = ops::required_ints(context.attributes, "shape");
  const bool zero_means_zero = context.attributes.get_int("allowzero", 0) != 0;
  std::size_t open = dims.size();
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && !zero_means_zero) {
      if (i >= in.rank()) fail(Code::invalid_model, "shape copies axis {} of {}", i, in.text());
      dims[i] = in[i];
    } else if (dims[i] == -1) {
      if (open != dims.size()) fail(Code::invalid_model, "shape {} has two open extents", Shape(dims).text());
      open = i;
    }
  }
  const std::int64_t count = in.count();
  if (open != dims.size()) {
    dims[open] = 1;
    const std::int64_t others = Shape(dims).count();
    if (others == 0 || count % others != 0) {
      dims[open] = -1;
      fail(Code::invalid_model, "{} cannot take shape {}", in.text(), Shape(dims).text());
    }
    dims[open] = count / others;
  }
  Shape out(std::move(dims));
  if (out.count() != count) fail(Code::invalid_model, "{} cannot take shape {}", in.text(), out.text());
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void infer_flatten(InferContext& context) {
  const Shape& in = context.shape(0);
  const auto rank = static_cast<std::int64_t>(in.rank());
  auto axis = context.attributes.get_int("axis", 1);
  if (axis < -rank || axis > rank) fail(Code::invalid_model, "axis {} is out of range for rank {}", axis, rank);
  if (axis < 0) axis += rank;
  std::int64_t before = 1;
  std::int64_t after = 1;
  for (std::int64_t i = 0; i < rank; ++i) (i < axis ? before : after) *= in[static_cast<std::size_t>(i)];
  context.set_output(0, context.input(0).dtype, Shape{before, after});
}

/// Marks the axes of a shape of `rank`; none may be named twice.
std::vector<char> marked(const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<char> marks(rank, 0);
  for (const auto axis : axes)
    if (marks[normalize_axis(axis, rank)]++) fail(Code::invalid_model, "axis {} is named twice", axis);
  return marks;
}

void infer_squeeze(InferContext& context) {
  const Shape& in = context.shape(0);
  const bool all = !context.attributes.has("axes");
  const auto drop = marked(context.attributes.get_ints("axes"), in.rank());
  Shape out;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (all ? in[i] == 1 : drop[i] != 0) {
      if (in[i] != 1) fail(Code::invalid_model, "axis {} of {} is not 1", i, in.text());
    } else {
      out.push_back(in[i]);
    }
  }
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void infer_unsqueeze(InferContext& context) {
  const Shape& in = context.shape(0);
  const auto axes = ops::required_ints(context.attributes, "axes");
  const auto added = marked(axes, in.rank() + axes.size());
  Shape out;
  std::size_t next = 0;
  for (const auto is_new : added) out.push_back(is_new ? 1 : in[next++]);
  context.set_output(0, context.input(0).dtype, std::move(out));
}

}  // namespace

extern const Op op_Reshape;
const Op op_Reshape{.name = "Reshape",
                    .min_inputs = 2,
                    .max_inputs = 2,
                    .structural = kShape,
                    .infer = infer_reshape,
                    .reference = copy,
                    .flops = ops::no_flops};

extern const Op op_Flatten;
const Op op_Flatten{.name = "Flatten", .infer = infer_flatten, .reference = copy, .flops = ops::no_flops};

extern const Op op_Squeeze;
const Op op_Squeeze{.name = "Squeeze",
                    .max_inputs = 2,
                    .structural = kAxes,
                    .infer = infer_squeeze,
                    .reference = copy,
                    .flops = ops::no_flops};

extern const Op op_Unsqueeze;
const Op op_Unsqueeze{.name = "Unsqueeze",
                      .min_inputs = 2,
                      .max_inputs = 2,
                      .structural = kAxes,
                      .infer = infer_unsqueeze,
                      .reference = copy,
                      .flops = ops::no_flops};

}  // namespace halftone
