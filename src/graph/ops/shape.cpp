#include <algorithm>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

/// The part of the input's extents that `start` and `end` (opset 15) choose.
std::vector<std::int64_t> chosen(const Attributes& attributes, const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.rank());
  const auto clamp = [&](std::int64_t at) { return std::clamp(at < 0 ? at + rank : at, std::int64_t{0}, rank); };
  const auto begin = clamp(attributes.get_int("start", 0));
  const auto end = std::max(begin, clamp(attributes.get_int("end", rank)));
  return {shape.begin() + begin, shape.begin() + end};
}

void infer(InferContext& context) {
  const auto dims = chosen(context.attributes, context.shape(0));
  context.set_output(0, DType::i64, Shape{static_cast<std::int64_t>(dims.size())});
}

void reference(const ReferenceContext& context) {
  const auto dims = chosen(context.attributes, context.inputs[0].shape());
  std::copy(dims.begin(), dims.end(), context.outputs[0].data<std::int64_t>().begin());
}

}  // namespace

extern const Op op_Shape;
const Op op_Shape{.name = "Shape", .infer = infer, .reference = reference};

}  // namespace halftone
