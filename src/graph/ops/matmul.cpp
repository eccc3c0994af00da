#include "graph/ops/batched_matmul.h"
#include "graph/ops/helpers.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  const auto dtype = context.input(0).dtype;
  if (context.input(1).dtype != dtype)
    fail(Code::invalid_model, "operands are {} and {}", name(dtype), name(context.input(1).dtype));
  if (dtype == DType::boolean) fail(Code::invalid_model, "MatMul of bool does not exist");
  context.set_output(0, dtype, ops::matmul_shape(context.shape(0), context.shape(1)));
}

void reference(const ReferenceContext& context) {
  const auto matmul = ops::matmul_of(context.inputs[0].shape(), context.inputs[1].shape());
  visit(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    // Integers wrap in 64 bits as they would in their own width; floats are summed in double.
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    T* y = context.outputs[0].data<T>().data();
    for (std::size_t batch = 0; batch < matmul.a_offsets.size(); ++batch) {
      const T* a = context.inputs[0].data<T>().data() + matmul.a_offsets[batch];
      const T* b = context.inputs[1].data<T>().data() + matmul.b_offsets[batch];
      for (std::int64_t row = 0; row < matmul.m; ++row)
        for (std::int64_t column = 0; column < matmul.n; ++column) {
          Sum sum = 0;
          for (std::int64_t i = 0; i < matmul.k; ++i)
            sum += static_cast<Sum>(ops::compute(a[row * matmul.k + i])) *
                   static_cast<Sum>(ops::compute(b[i * matmul.n + column]));
          if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) *y++ = T(static_cast<float>(sum));
          else *y++ = static_cast<T>(sum);
        }
    }
  });
}

}  // namespace

extern const Op op_MatMul;
const Op op_MatMul{.name = "MatMul",
                   .min_inputs = 2,
                   .max_inputs = 2,
                   .infer = infer,
                   .reference = reference,
                   .flops = [](const Problem& problem) { return ops::matmul_flops(problem, 0, 1); }};

}  // namespace halftone
