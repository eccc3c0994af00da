#include "graph/ops/helpers.h"

namespace halftone {
namespace {

struct Sizes {
  std::int64_t m, n, k;
  bool trans_a, trans_b;
};

Sizes sizes_of(const Attributes& attributes, const Shape& a, const Shape& b) {
  if (a.rank() != 2 || b.rank() != 2)
    fail(Code::invalid_model, "Gemm multiplies matrices, not {} by {}", a.text(), b.text());
  const bool trans_a = attributes.get_int("transA", 0) != 0;
  const bool trans_b = attributes.get_int("transB", 0) != 0;
  if (a[trans_a ? 0 : 1] != b[trans_b ? 1 : 0])
    fail(Code::invalid_model, "matrices {}{} and {}{} do not fit", a.text(), trans_a ? " transposed" : "", b.text(),
         trans_b ? " transposed" : "");
  return {a[trans_a ? 1 : 0], b[trans_b ? 0 : 1], a[trans_a ? 0 : 1], trans_a, trans_b};
}

void infer(InferContext& context) {
  const auto dtype = context.input(0).dtype;
  for (std::size_t i = 0; i < context.input_count(); ++i)
    if (context.has(i) && context.input(i).dtype != dtype)
      fail(Code::invalid_model, "input {} is {}, A is {}", i, name(context.input(i).dtype), name(dtype));
  if (dtype == DType::boolean) fail(Code::invalid_model, "Gemm of bool does not exist");
  const auto sizes = sizes_of(context.attributes, context.shape(0), context.shape(1));
  const Shape out{sizes.m, sizes.n};
  if (context.has(2) && broadcast(out, context.shape(2)) != out)
    fail(Code::invalid_model, "C {} does not broadcast to {}", context.shape(2).text(), out.text());
  context.set_output(0, dtype, out);
}

void reference(const ReferenceContext& context) {
  const auto& a_shape = context.inputs[0].shape();
  const auto& b_shape = context.inputs[1].shape();
  const Sizes sizes = sizes_of(context.attributes, a_shape, b_shape);
  const std::int64_t m = sizes.m, n = sizes.n, k = sizes.k;
  const bool trans_a = sizes.trans_a, trans_b = sizes.trans_b;
  const double alpha = context.attributes.get_float("alpha", 1);
  const double beta = context.attributes.get_float("beta", 1);
  const std::int64_t a_row = trans_a ? 1 : a_shape[1], a_step = trans_a ? a_shape[1] : 1;
  const std::int64_t b_column = trans_b ? b_shape[1] : 1, b_step = trans_b ? 1 : b_shape[1];
  std::int64_t c_row = 0, c_column = 0;
  if (context.has(2)) {
    const auto& c = context.inputs[2].shape();
    if (c.rank() > 0 && c[c.rank() - 1] != 1) c_column = 1;
    if (c.rank() > 1 && c[0] != 1) c_row = c[1];
  }
  visit(context.inputs[0].dtype(), [&, m = m, n = n, k = k](auto zero) {
    using T = decltype(zero);
    // Integers wrap in 64 bits as they would in their own width; floats are summed in double.
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    const auto widen = [](T value) { return static_cast<Sum>(ops::compute(value)); };
    const auto narrow = [](Sum value) {
      if constexpr (std::is_integral_v<T>) return static_cast<T>(value);
      else if constexpr (std::is_same_v<T, double>) return value;
      else return static_cast<T>(static_cast<float>(value));
    };
    const auto scaled = [](Sum value, double factor) {
      if (factor == 1) return value;
      if constexpr (std::is_integral_v<T>)
        return static_cast<Sum>(static_cast<std::int64_t>(factor * static_cast<double>(static_cast<T>(value))));
      else return factor * value;
    };
    const auto a = context.inputs[0].data<T>();
    const auto b = context.inputs[1].data<T>();
    const auto y = context.outputs[0].data<T>();
    for (std::int64_t row = 0; row < m; ++row)
      for (std::int64_t column = 0; column < n; ++column) {
        Sum sum = 0;
        for (std::int64_t i = 0; i < k; ++i)
          sum += widen(a[static_cast<std::size_t>(row * a_row + i * a_step)]) *
                 widen(b[static_cast<std::size_t>(column * b_column + i * b_step)]);
        sum = scaled(sum, alpha);
        if (context.has(2)) {
          const auto c = context.inputs[2].data<T>()[static_cast<std::size_t>(row * c_row + column * c_column)];
          sum += scaled(widen(c), beta);
        }
        y[static_cast<std::size_t>(row * n + column)] = narrow(sum);
      }
  });
}

}  // namespace

extern const Op op_Gemm;
const Op op_Gemm{.name = "Gemm",
                 .min_inputs = 2,
                 .max_inputs = 3,
                 .infer = infer,
                 .reference = reference,
                 .flops = [](const Problem& problem) {
                   const auto sizes = sizes_of(problem.attributes, problem.input(0).shape, problem.input(1).shape);
                   return 2 * static_cast<double>(sizes.m) * static_cast<double>(sizes.n) *
                          static_cast<double>(sizes.k);
                 }};

}  // namespace halftone
