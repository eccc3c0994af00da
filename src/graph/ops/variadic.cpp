#include <cmath>
#include <cstring>

#include "graph/ops/binary.h"

// Max, Min, Sum and Mean over any number of broadcast inputs.
namespace halftone {
namespace {

void infer_variadic(InferContext& context, ops::DTypeSet allowed) {
  ops::require_dtype(context, 0, allowed);
  for (std::size_t i = 1; i < context.input_count(); ++i) ops::require_same_dtype(context, 0, i);
  context.set_output(0, context.input(0).dtype, ops::broadcast_all(context));
}

void infer_numbers(InferContext& context) { infer_variadic(context, ops::kNumbers); }
void infer_floats(InferContext& context) { infer_variadic(context, ops::kFloats); }

/// y[i] = finish(step(… step(x0[i], x1[i]) …)), in double for floats and in the type itself for integers.
template <typename Step, typename Finish>
void accumulate(const ReferenceContext& context, Step step, Finish finish) {
  ops::visit_number(context.outputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Sum = std::conditional_t<std::is_integral_v<T>, T, double>;
    auto out = context.outputs[0].data<T>();
    const Shape& shape = context.outputs[0].shape();
    std::vector<std::vector<std::int64_t>> strides;
    for (const auto& input : context.inputs) strides.push_back(ops::broadcast_strides(input.shape(), shape));
    ops::Walk walk(shape, std::move(strides));
    for (std::size_t i = 0; i < out.size(); ++i, walk.next()) {
      Sum sum{};
      for (std::size_t k = 0; k < context.inputs.size(); ++k) {
        const auto value = static_cast<Sum>(ops::compute(context.inputs[k].data<T>()[walk.offset(k)]));
        sum = k == 0 ? value : step(sum, value);
      }
      out[i] = ops::stored<T>(finish(sum));
    }
  });
}

constexpr auto kSame = [](auto x) { return x; };
constexpr auto kAdd = [](auto a, auto b) { return a + b; };
double flops(const Problem& problem) {
  return static_cast<double>(problem.inputs.size()) * static_cast<double>(problem.output().shape.count());
}

}  // namespace

// A NaN in any input is the result, as in NumPy's maximum and minimum.
extern const Op op_Max;
const Op op_Max{.name = "Max",
                .max_inputs = Op::kAnyNumber,
                .infer = infer_numbers,
                .reference =
                    [](const ReferenceContext& context) {
                      accumulate(
                          context, [](auto a, auto b) { return b > a || b != b ? b : a; }, kSame);
                    },
                .flops = flops};

extern const Op op_Min;
const Op op_Min{.name = "Min",
                .max_inputs = Op::kAnyNumber,
                .infer = infer_numbers,
                .reference =
                    [](const ReferenceContext& context) {
                      accumulate(
                          context, [](auto a, auto b) { return b < a || b != b ? b : a; }, kSame);
                    },
                .flops = flops};

extern const Op op_Sum;
const Op op_Sum{.name = "Sum",
                .max_inputs = Op::kAnyNumber,
                .infer = infer_floats,
                .reference = [](const ReferenceContext& context) { accumulate(context, kAdd, kSame); },
                .flops = flops};

extern const Op op_Mean;
const Op op_Mean{.name = "Mean",
                 .max_inputs = Op::kAnyNumber,
                 .infer = infer_floats,
                 .reference =
                     [](const ReferenceContext& context) {
                       const auto count = static_cast<double>(context.inputs.size());
                       accumulate(context, kAdd, [=](auto sum) { return static_cast<double>(sum) / count; });
                     },
                 .flops = flops};

}  // namespace halftone
