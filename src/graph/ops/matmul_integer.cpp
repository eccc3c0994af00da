#include "graph/ops/batched_matmul.h"
#include "graph/ops/image.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

std::int64_t rows_of(const Shape& a) { return a.rank() < 2 ? 1 : a[a.rank() - 2]; }
std::int64_t columns_of(const Shape& b) { return b.rank() < 2 ? 1 : b[b.rank() - 1]; }

/// Products of the operands less their zero points: one, one for each row of a, one for each column of b.
std::vector<double> sums_of(const ReferenceContext& context, std::size_t a_at, std::size_t a_zero, std::size_t b_at,
                            std::size_t b_zero) {
  const auto& a_shape = context.inputs[a_at].shape();
  const auto matmul = ops::matmul_of(a_shape, context.inputs[b_at].shape());
  const auto a = ops::centred(context, a_at, a_zero, matmul.k);
  const auto b = ops::centred(context, b_at, b_zero, 1);
  std::vector<double> sums;
  for (std::size_t batch = 0; batch < matmul.a_offsets.size(); ++batch)
    for (std::int64_t row = 0; row < matmul.m; ++row)
      for (std::int64_t column = 0; column < matmul.n; ++column) {
        double sum = 0;
        for (std::int64_t i = 0; i < matmul.k; ++i)
          sum += a[static_cast<std::size_t>(matmul.a_offsets[batch] + row * matmul.k + i)] *
                 b[static_cast<std::size_t>(matmul.b_offsets[batch] + i * matmul.n + column)];
        sums.push_back(sum);
      }
  return sums;
}

void infer_integer(InferContext& context) {
  ops::require_8bit(context, 0, 1);
  ops::check_zero_point(context, 2, 0, rows_of(context.shape(0)));
  ops::check_zero_point(context, 3, 1, columns_of(context.shape(1)));
  context.set_output(0, DType::i32, ops::matmul_shape(context.shape(0), context.shape(1)));
}

void reference_integer(const ReferenceContext& context) {
  ops::store(context.outputs[0], sums_of(context, 0, 2, 1, 3));
}

enum Input : std::size_t { kA, kAScale, kAZero, kB, kBScale, kBZero, kYScale, kYZero };

void infer_qlinear(InferContext& context) {
  ops::require_8bit(context, kA, kB);
  ops::require_8bit(context, kA, kYZero);
  const auto rows = rows_of(context.shape(kA));
  const auto columns = columns_of(context.shape(kB));
  ops::check_zero_point(context, kAZero, kA, rows);
  ops::check_zero_point(context, kBZero, kB, columns);
  ops::check_zero_point(context, kYZero, kYZero, 1);
  for (const auto& [i, most] : {std::pair{kAScale, rows}, {kBScale, columns}, {kYScale, std::int64_t{1}}}) {
    ops::require_float(context, i);
    const auto count = context.shape(i).count();
    if (count != 1 && (count != most || context.shape(i).rank() != 1))
      fail(Code::invalid_model, "scales {}, input {}, for {} rows or columns", context.shape(i).text(),
           static_cast<std::size_t>(i), most);
  }
  context.set_output(0, context.input(kYZero).dtype, ops::matmul_shape(context.shape(kA), context.shape(kB)));
}

void reference_qlinear(const ReferenceContext& context) {
  const auto& inputs = context.inputs;
  auto values = sums_of(context, kA, kAZero, kB, kBZero);
  const auto a_scale = inputs[kAScale].to_doubles();
  const auto b_scale = inputs[kBScale].to_doubles();
  const double y_scale = inputs[kYScale].to_doubles()[0];
  const double zero = inputs[kYZero].to_doubles()[0];
  const auto range = ops::range_of(context.outputs[0].dtype());
  const auto columns = static_cast<std::size_t>(columns_of(inputs[kB].shape()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double a = a_scale[i / columns % a_scale.size()];
    const double b = b_scale[i % columns % b_scale.size()];
    values[i] = ops::requantize(values[i], a * b / y_scale, zero, range);
  }
  ops::store(context.outputs[0], values);
}

}  // namespace

extern const Op op_MatMulInteger, op_QLinearMatMul;
const Op op_MatMulInteger{.name = "MatMulInteger",
                          .min_inputs = 2,
                          .max_inputs = 4,
                          .infer = infer_integer,
                          .reference = reference_integer,
                          .flops = [](const Problem& problem) { return ops::matmul_flops(problem, 0, 1); }};
const Op op_QLinearMatMul{.name = "QLinearMatMul",
                          .min_inputs = 8,
                          .max_inputs = 8,
                          .infer = infer_qlinear,
                          .reference = reference_qlinear,
                          .flops = [](const Problem& problem) { return ops::matmul_flops(problem, kA, kB); }};

}  // namespace halftone
