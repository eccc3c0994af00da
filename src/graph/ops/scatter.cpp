#include <cstring>
#include <string>

#include "graph/ops/helpers.h"
#include "graph/ops/indices.h"

// ScatterElements and ScatterND: a copy of the data with some elements replaced by, or combined with, the updates.
namespace halftone {
namespace {

std::string reduction_of(const Attributes& attributes, DType dtype) {
  const auto reduction = attributes.get_string("reduction", "none");
  const bool known =
      reduction == "none" || reduction == "add" || reduction == "mul" || reduction == "max" || reduction == "min";
  if (!known) fail(Code::invalid_model, "unknown reduction '{}'", reduction);
  if (reduction != "none" && dtype == DType::boolean)
    fail(Code::invalid_model, "bool cannot be reduced by {}", reduction);
  return reduction;
}

void copy(const Tensor& from, Tensor& to) {
  if (from.bytes() != 0) std::memcpy(to.raw(), from.raw(), from.bytes());
}

template <typename T>
T combined(T old, T update, const std::string& reduction) {
  const auto a = ops::compute(old);
  const auto b = ops::compute(update);
  if (reduction == "add") return ops::stored<T>(ops::wrapping(a, b, [](auto x, auto y) { return x + y; }));
  if (reduction == "mul") return ops::stored<T>(ops::wrapping(a, b, [](auto x, auto y) { return x * y; }));
  if (reduction == "max") return b > a ? update : old;
  if (reduction == "min") return b < a ? update : old;
  return update;
}

void infer_elements(InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  ops::require_dtype(context, 1, ops::kIndices);
  ops::require_same_dtype(context, 0, 2);
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), data.rank());
  ops::require_inside(indices, data, axis);
  if (context.shape(2) != indices)
    fail(Code::invalid_model, "updates {} and indices {} differ", context.shape(2).text(), indices.text());
  (void)reduction_of(context.attributes, context.input(0).dtype);
  ops::infer_same(context);
}

void reference_elements(const ReferenceContext& context) {
  const Tensor& data = context.inputs[0];
  const Shape& shape = context.inputs[1].shape();
  const std::size_t axis = normalize_axis(context.attributes.get_int("axis", 0), data.shape().rank());
  const auto indices = ops::indices_within(context.inputs[1], data.shape()[axis]);
  const auto reduction = reduction_of(context.attributes, data.dtype());
  auto strides = strides_of(data.shape());
  const std::int64_t along = strides[axis];
  strides[axis] = 0;
  copy(data, context.outputs[0]);
  visit(data.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto updates = context.inputs[2].data<T>();
    auto to = context.outputs[0].data<T>();
    ops::Walk walk(shape, {strides});
    for (std::size_t i = 0; i < updates.size(); ++i, walk.next()) {
      T& element = to[walk.offset(0) + static_cast<std::size_t>(indices[i] * along)];
      element = combined(element, updates[i], reduction);
    }
  });
}

/// output[indices[i…]] = updates[i…], where each index tuple names an element or a block of them.
void infer_nd(InferContext& context) {
  const Shape& data = context.shape(0);
  const Shape& indices = context.shape(1);
  const Shape& updates = context.shape(2);
  ops::require_dtype(context, 1, {DType::i64});
  ops::require_same_dtype(context, 0, 2);
  if (data.rank() == 0 || indices.rank() == 0) fail(Code::invalid_model, "data and indices need at least one axis");
  const auto tuple = indices[indices.rank() - 1];
  if (tuple < 1 || tuple > static_cast<std::int64_t>(data.rank()))
    fail(Code::invalid_model, "index tuples of {} do not fit data {}", tuple, data.text());
  Shape wanted(std::vector<std::int64_t>(indices.begin(), indices.end() - 1));
  for (auto i = static_cast<std::size_t>(tuple); i < data.rank(); ++i) wanted.push_back(data[i]);
  if (updates != wanted) fail(Code::invalid_model, "updates are {}, not {}", updates.text(), wanted.text());
  (void)reduction_of(context.attributes, context.input(0).dtype);
  ops::infer_same(context);
}

void reference_nd(const ReferenceContext& context) {
  const Tensor& data = context.inputs[0];
  const Shape& shape = data.shape();
  const Shape& index_shape = context.inputs[1].shape();
  const auto tuple = static_cast<std::size_t>(index_shape[index_shape.rank() - 1]);
  const auto reduction = reduction_of(context.attributes, data.dtype());
  const auto strides = strides_of(shape);
  std::int64_t block = 1;
  for (std::size_t i = tuple; i < shape.rank(); ++i) block *= shape[i];
  const auto indices = context.inputs[1].data<std::int64_t>();
  copy(data, context.outputs[0]);
  visit(data.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto updates = context.inputs[2].data<T>();
    auto to = context.outputs[0].data<T>();
    for (std::size_t i = 0; i < indices.size() / tuple; ++i) {
      std::int64_t offset = 0;
      for (std::size_t k = 0; k < tuple; ++k)
        offset += ops::index_within(indices[i * tuple + k], shape[k]) * strides[k];
      for (std::size_t k = 0; k < static_cast<std::size_t>(block); ++k) {
        T& element = to[static_cast<std::size_t>(offset) + k];
        element = combined(element, updates[i * static_cast<std::size_t>(block) + k], reduction);
      }
    }
  });
}

}  // namespace

extern const Op op_ScatterElements;
const Op op_ScatterElements{.name = "ScatterElements",
                            .min_inputs = 3,
                            .max_inputs = 3,
                            .infer = infer_elements,
                            .reference = reference_elements,
                            .flops = ops::no_flops};

extern const Op op_ScatterND;
const Op op_ScatterND{.name = "ScatterND",
                      .min_inputs = 3,
                      .max_inputs = 3,
                      .infer = infer_nd,
                      .reference = reference_nd,
                      .flops = ops::no_flops};

}  // namespace halftone
