#include <cstring>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

std::vector<std::size_t> permutation(const Attributes& attributes, std::size_t rank) {
  const auto given = attributes.get_ints("perm");
  std::vector<std::size_t> perm(rank);
  if (given.empty()) {
    for (std::size_t i = 0; i < rank; ++i) perm[i] = rank - 1 - i;
    return perm;
  }
  if (given.size() != rank) fail(Code::invalid_model, "perm has {} axes for rank {}", given.size(), rank);
  std::vector<char> seen(rank, 0);
  for (std::size_t i = 0; i < rank; ++i) {
    perm[i] = normalize_axis(given[i], rank);
    if (seen[perm[i]]++) fail(Code::invalid_model, "perm names axis {} twice", perm[i]);
  }
  return perm;
}

void infer(InferContext& context) {
  const auto& in = context.shape(0);
  Shape out;
  for (const auto axis : permutation(context.attributes, in.rank())) out.push_back(in[axis]);
  context.set_output(0, context.input(0).dtype, out);
}

void reference(const ReferenceContext& context) {
  const auto& in = context.inputs[0].shape();
  const auto& out = context.outputs[0].shape();
  const auto perm = permutation(context.attributes, in.rank());
  const auto in_strides = strides_of(in);
  const std::size_t size = size_of(context.inputs[0].dtype());
  const auto* source = static_cast<const std::byte*>(context.inputs[0].raw());
  auto* target = static_cast<std::byte*>(context.outputs[0].raw());
  std::vector<std::int64_t> index(in.rank(), 0);
  for (std::int64_t i = 0; i < out.count(); ++i) {
    std::int64_t from = 0;
    for (std::size_t axis = 0; axis < perm.size(); ++axis) from += index[axis] * in_strides[perm[axis]];
    std::memcpy(target + static_cast<std::size_t>(i) * size, source + static_cast<std::size_t>(from) * size, size);
    for (std::size_t axis = perm.size(); axis-- > 0;) {
      if (++index[axis] < out[axis]) break;
      index[axis] = 0;
    }
  }
}

}  // namespace

extern const Op op_Transpose;
const Op op_Transpose{.name = "Transpose", .infer = infer, .reference = reference};

}  // namespace halftone
