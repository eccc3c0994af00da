#include <cstring>

#include "graph/ops/helpers.h"
#include "graph/ops/indices.h"

namespace halftone {
namespace {

void infer_gather(InferContext& context) {
  const Shape& data = context.shape(0);
  ops::require_dtype(context, 1, ops::kIndices);
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), data.rank());
  Shape out;
  for (std::size_t i = 0; i < data.rank(); ++i) {
    if (i != axis) out.push_back(data[i]);
    else
      for (const auto extent : context.shape(1)) out.push_back(extent);
  }
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void reference_gather(const ReferenceContext& context) {
  const Tensor& data = context.inputs[0];
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), data.shape().rank());
  const auto view = ops::around(data.shape(), axis);
  const auto indices = ops::indices_within(context.inputs[1], view.extent);
  const auto run = static_cast<std::size_t>(view.inner) * size_of(data.dtype());
  const auto* from = static_cast<const std::byte*>(data.raw());
  auto* to = static_cast<std::byte*>(context.outputs[0].raw());
  if (run == 0) return;
  for (std::int64_t i = 0; i < view.outer; ++i)
    for (const auto index : indices) {
      std::memcpy(to, from + static_cast<std::size_t>(i * view.extent + index) * run, run);
      to += run;
    }
}

void infer_gather_elements(InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  ops::require_dtype(context, 1, ops::kIndices);
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), data.rank());
  ops::require_inside(indices, data, axis);
  context.set_output(0, context.input(0).dtype, indices);
}

void reference_gather_elements(const ReferenceContext& context) {
  const Tensor& data = context.inputs[0];
  const Shape& shape = context.inputs[1].shape();
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), data.shape().rank());
  const auto indices = ops::indices_within(context.inputs[1], data.shape()[axis]);
  auto strides = strides_of(data.shape());
  const std::int64_t along = strides[axis];
  strides[axis] = 0;
  visit(data.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto from = data.data<T>();
    auto to = context.outputs[0].data<T>();
    ops::Walk walk(shape, {strides});
    for (std::size_t i = 0; i < to.size(); ++i, walk.next())
      to[i] = from[walk.offset(0) + static_cast<std::size_t>(indices[i] * along)];
  });
}

/// data[batch…, index tuple, rest…]; the output is batch… x (indices without its last extent)… x rest….
void infer_gather_nd(InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  ops::require_dtype(context, 1, {DType::i64});
  const auto batch = context.attributes.get_int("batch_dims", 0);
  if (data.rank() == 0 || indices.rank() == 0) fail(Code::invalid_model, "data and indices need at least one axis");
  const auto rank = static_cast<std::int64_t>(data.rank());
  const auto tuple = indices[indices.rank() - 1];
  if (batch < 0 || batch >= rank || batch >= static_cast<std::int64_t>(indices.rank()))
    fail(Code::invalid_model, "batch_dims {} does not fit data {} and indices {}", batch, data.text(), indices.text());
  if (tuple < 1 || tuple > rank - batch)
    fail(Code::invalid_model, "index tuples of {} do not fit data {}", tuple, data.text());
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i)
    if (data[i] != indices[i])
      fail(Code::invalid_model, "batch axes of data {} and indices {} differ", data.text(), indices.text());
  Shape out(std::vector<std::int64_t>(indices.begin(), indices.end() - 1));
  for (auto i = static_cast<std::size_t>(batch + tuple); i < data.rank(); ++i) out.push_back(data[i]);
  context.set_output(0, context.input(0).dtype, std::move(out));
}

void reference_gather_nd(const ReferenceContext& context) {
  const Tensor& data = context.inputs[0];
  const Shape& shape = data.shape();
  const Shape& index_shape = context.inputs[1].shape();
  const auto batch = static_cast<std::size_t>(context.attributes.get_int("batch_dims", 0));
  const auto tuple = static_cast<std::size_t>(index_shape[index_shape.rank() - 1]);
  const auto strides = strides_of(shape);
  std::int64_t batches = 1;
  for (std::size_t i = 0; i < batch; ++i) batches *= shape[i];
  std::int64_t rest = 1;
  for (std::size_t i = batch + tuple; i < shape.rank(); ++i) rest *= shape[i];
  const auto run = static_cast<std::size_t>(rest) * size_of(data.dtype());
  if (batches == 0 || context.outputs[0].bytes() == 0) return;
  const std::int64_t batch_stride = data.count() / batches;
  const auto indices = context.inputs[1].data<std::int64_t>();
  const std::size_t tuples = indices.size() / tuple;
  const auto tuples_in_batch = tuples / static_cast<std::size_t>(batches);
  auto* to = static_cast<std::byte*>(context.outputs[0].raw());
  for (std::size_t i = 0; i < tuples; ++i, to += run) {
    std::int64_t offset = static_cast<std::int64_t>(i / tuples_in_batch) * batch_stride;
    for (std::size_t k = 0; k < tuple; ++k)
      offset += ops::index_within(indices[i * tuple + k], shape[batch + k]) * strides[batch + k];
    std::memcpy(
        to, static_cast<const std::byte*>(data.raw()) + static_cast<std::size_t>(offset) * size_of(data.dtype()), run);
  }
}

}  // namespace

extern const Op op_Gather;
const Op op_Gather{.name = "Gather",
                   .min_inputs = 2,
                   .max_inputs = 2,
                   .infer = infer_gather,
                   .reference = reference_gather,
                   .flops = ops::no_flops};

extern const Op op_GatherElements;
const Op op_GatherElements{.name = "GatherElements",
                           .min_inputs = 2,
                           .max_inputs = 2,
                           .infer = infer_gather_elements,
                           .reference = reference_gather_elements,
                           .flops = ops::no_flops};

extern const Op op_GatherND;
const Op op_GatherND{.name = "GatherND",
                     .min_inputs = 2,
                     .max_inputs = 2,
                     .infer = infer_gather_nd,
                     .reference = reference_gather_nd,
                     .flops = ops::no_flops};

}  // namespace halftone
