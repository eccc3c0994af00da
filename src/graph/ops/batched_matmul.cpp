#include "graph/ops/batched_matmul.h"

namespace halftone::ops {
namespace {

Shape batch_of(const Shape& shape) { return shape.rank() < 2 ? Shape{} : Shape({shape.begin(), shape.end() - 2}); }

std::int64_t inner_of(const Shape& a, const Shape& b) {
  if (a.rank() == 0 || b.rank() == 0) fail(Code::invalid_model, "a scalar operand of a matrix product");
  const auto k = a[a.rank() - 1];
  if (k != b[b.rank() == 1 ? 0 : b.rank() - 2])
    fail(Code::invalid_model, "matrices {} and {} do not fit", a.text(), b.text());
  return k;
}

/// Offsets of `batch`'s matrices of `size` elements, for every index of the broadcast batch.
std::vector<std::int64_t> offsets_of(const Shape& batch, const Shape& all, std::int64_t size) {
  const auto strides = strides_of(batch);
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(all.count()), 0);
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = all.rank(), own = batch.rank(); axis-- > 0 && own-- > 0;) {
      if (batch[own] != 1) offsets[i] += rest % all[axis] * strides[own] * size;
      rest /= all[axis];
    }
  }
  return offsets;
}

}  // namespace

Shape matmul_shape(const Shape& a, const Shape& b) {
  (void)inner_of(a, b);
  Shape output = broadcast(batch_of(a), batch_of(b));
  if (a.rank() > 1) output.push_back(a[a.rank() - 2]);
  if (b.rank() > 1) output.push_back(b[b.rank() - 1]);
  return output;
}

BatchedMatmul matmul_of(const Shape& a, const Shape& b) {
  BatchedMatmul matmul;
  matmul.k = inner_of(a, b);
  matmul.output = matmul_shape(a, b);
  if (a.rank() > 1) matmul.m = a[a.rank() - 2];
  if (b.rank() > 1) matmul.n = b[b.rank() - 1];
  const Shape all = broadcast(batch_of(a), batch_of(b));
  if (matmul.output.count() == 0) return matmul;
  matmul.a_offsets = offsets_of(batch_of(a), all, matmul.m * matmul.k);
  matmul.b_offsets = offsets_of(batch_of(b), all, matmul.k * matmul.n);
  return matmul;
}

double matmul_flops(const Problem& problem, std::size_t a, std::size_t b) {
  const auto k = inner_of(problem.input(a).shape, problem.input(b).shape);
  return 2 * static_cast<double>(k) * static_cast<double>(problem.output().shape.count());
}

}  // namespace halftone::ops
