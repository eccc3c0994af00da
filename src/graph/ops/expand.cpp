#include "graph/ops/helpers.h"

// Expand and Tile: the same elements again and again.
namespace halftone {
namespace {

constexpr StructuralInput kShape[] = {{1, "shape"}};
constexpr StructuralInput kRepeats[] = {{1, "repeats"}};

void infer_expand(InferContext& context) {
  const Shape target(ops::required_ints(context.attributes, "shape"));
  (void)target.count();
  context.set_output(0, context.input(0).dtype, broadcast(context.shape(0), target));
}

void reference_expand(const ReferenceContext& context) {
  Tensor& y = context.outputs[0];
  ops::copy_strided(context.inputs[0], y, ops::broadcast_strides(context.inputs[0].shape(), y.shape()));
}

void infer_tile(InferContext& context) {
  const auto repeats = ops::required_ints(context.attributes, "repeats");
  Shape out = context.shape(0);
  if (repeats.size() != out.rank())
    fail(Code::invalid_model, "repeats has {} values for rank {}", repeats.size(), out.rank());
  for (std::size_t i = 0; i < repeats.size(); ++i) out[i] = ops::checked_multiply(out[i], repeats[i]);
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void reference_tile(const ReferenceContext& context) {
  const Tensor& x = context.inputs[0];
  Tensor& y = context.outputs[0];
  const auto strides = strides_of(x.shape());
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto from = x.data<T>();
    auto to = y.data<T>();
    ops::Walk walk(y.shape(), {});
    for (std::size_t i = 0; i < to.size(); ++i, walk.next()) {
      std::int64_t offset = 0;
      for (std::size_t axis = 0; axis < strides.size(); ++axis)
        offset += walk.index()[axis] % x.shape()[axis] * strides[axis];
      to[i] = from[static_cast<std::size_t>(offset)];
    }
  });
}

}  // namespace

extern const Op op_Expand;
const Op op_Expand{.name = "Expand",
                   .min_inputs = 2,
                   .max_inputs = 2,
                   .structural = kShape,
                   .infer = infer_expand,
                   .reference = reference_expand,
                   .flops = ops::no_flops};

extern const Op op_Tile;
const Op op_Tile{.name = "Tile",
                 .min_inputs = 2,
                 .max_inputs = 2,
                 .structural = kRepeats,
                 .infer = infer_tile,
                 .reference = reference_tile,
                 .flops = ops::no_flops};

}  // namespace halftone
