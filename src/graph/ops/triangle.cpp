#include <algorithm>

#include "graph/ops/helpers.h"

// Trilu and EyeLike: by where an element lies relative to a diagonal of its matrix.
namespace halftone {
namespace {

constexpr StructuralInput kDiagonal[] = {{1, "k"}};

void infer_trilu(InferContext& context) {
  if (context.shape(0).rank() < 2) fail(Code::invalid_model, "{} holds no matrices", context.shape(0).text());
  (void)context.attributes.get_int("k", 0);
  ops::infer_same(context);
}

void reference_trilu(const ReferenceContext& context) {
  const Shape& shape = context.inputs[0].shape();
  const std::int64_t rows = shape[shape.rank() - 2];
  const std::int64_t columns = shape[shape.rank() - 1];
  const bool upper = context.attributes.get_int("upper", 1) != 0;
  // Beyond the matrix a diagonal changes nothing more, and the sum below stays small.
  const std::int64_t k = std::clamp(context.attributes.get_int("k", 0), -rows - 1, columns + 1);
  visit(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto x = context.inputs[0].data<T>();
    auto y = context.outputs[0].data<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::int64_t column = static_cast<std::int64_t>(i) % columns;
      const std::int64_t row = static_cast<std::int64_t>(i) / columns % rows;
      y[i] = (upper ? column >= row + k : column <= row + k) ? x[i] : T{};
    }
  });
}

void infer_eye(InferContext& context) {
  if (context.shape(0).rank() != 2) fail(Code::invalid_model, "{} is not a matrix", context.shape(0).text());
  const DType dtype = ops::dtype_attribute(context.attributes, "dtype", context.input(0).dtype);
  (void)context.attributes.get_int("k", 0);
  context.set_output(0, dtype, context.shape(0));
}

void reference_eye(const ReferenceContext& context) {
  Tensor& y = context.outputs[0];
  const std::int64_t rows = y.shape()[0];
  const std::int64_t columns = y.shape()[1];
  const std::int64_t k = std::clamp(context.attributes.get_int("k", 0), -rows - 1, columns + 1);
  visit(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    auto out = y.data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      out[i] = at % columns == at / columns + k ? ops::stored<T>(1.0f) : T{};
    }
  });
}

}  // namespace

extern const Op op_Trilu;
const Op op_Trilu{.name = "Trilu",
                  .max_inputs = 2,
                  .structural = kDiagonal,
                  .infer = infer_trilu,
                  .reference = reference_trilu,
                  .flops = ops::no_flops};

extern const Op op_EyeLike;
const Op op_EyeLike{.name = "EyeLike", .infer = infer_eye, .reference = reference_eye, .flops = ops::no_flops};

}  // namespace halftone
