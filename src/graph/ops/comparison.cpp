#include "graph/ops/binary.h"

namespace halftone {
namespace {

void infer_ordered(InferContext& context) { ops::infer_comparison(context, ops::kNumbers); }
void infer_bool(InferContext& context) { ops::infer_binary(context, ops::kBool); }
void infer_integer(InferContext& context) { ops::infer_binary(context, ops::kIntegers); }

template <typename Function>
void compare(const ReferenceContext& context, Function function) {
  visit(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    ops::zip<T, T, bool>(context.inputs[0], context.inputs[1], context.outputs[0], function);
  });
}

template <typename Function>
void combine_bool(const ReferenceContext& context, Function function) {
  ops::zip<bool, bool, bool>(context.inputs[0], context.inputs[1], context.outputs[0], function);
}

template <typename Function>
void combine_bits(const ReferenceContext& context, Function function) {
  ops::visit_integer(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    ops::zip<T, T, T>(context.inputs[0], context.inputs[1], context.outputs[0],
                      [&](T a, T b) { return static_cast<T>(function(a, b)); });
  });
}

bool shifts_left(const Attributes& attributes) {
  const auto direction = attributes.get_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    fail(Code::invalid_model, "direction is LEFT or RIGHT, not '{}'", direction);
  return direction == "LEFT";
}

void infer_shift(InferContext& context) {
  ops::infer_binary(context, ops::kUnsigned);
  (void)shifts_left(context.attributes);
}

void reference_shift(const ReferenceContext& context) {
  const bool left = shifts_left(context.attributes);
  combine_bits(context, [=](std::uint64_t value, std::uint64_t by) -> std::uint64_t {
    if (by >= 64) return 0;
    return left ? value << by : value >> by;
  });
}

void infer_where(InferContext& context) {
  ops::require_dtype(context, 0, ops::kBool);
  ops::require_same_dtype(context, 1, 2);
  context.set_output(0, context.input(1).dtype, ops::broadcast_all(context));
}

void reference_where(const ReferenceContext& context) {
  visit(context.inputs[1].dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto condition = context.inputs[0].data<bool>();
    const auto yes = context.inputs[1].data<T>();
    const auto no = context.inputs[2].data<T>();
    auto out = context.outputs[0].data<T>();
    const Shape& shape = context.outputs[0].shape();
    std::vector<std::vector<std::int64_t>> strides;
    for (const auto& input : context.inputs) strides.push_back(ops::broadcast_strides(input.shape(), shape));
    ops::Walk walk(shape, std::move(strides));
    for (std::size_t i = 0; i < out.size(); ++i, walk.next())
      out[i] = condition[walk.offset(0)] ? yes[walk.offset(1)] : no[walk.offset(2)];
  });
}

}  // namespace

#define HALFTONE_BINARY(NAME, INFER, HOW, EXPRESSION) \
  extern const Op op_##NAME;                          \
  const Op op_##NAME{                                 \
      .name = #NAME,                                  \
      .min_inputs = 2,                                \
      .max_inputs = 2,                                \
      .infer = (INFER),                               \
      .reference = [](const ReferenceContext& context) { HOW(context, [](auto a, auto b) { return EXPRESSION; }); }};

HALFTONE_BINARY(
    Equal, [](InferContext& context) { ops::infer_comparison(context, ops::kAnyType); }, compare, a == b)
HALFTONE_BINARY(Greater, infer_ordered, compare, a > b)
HALFTONE_BINARY(GreaterOrEqual, infer_ordered, compare, a >= b)
HALFTONE_BINARY(Less, infer_ordered, compare, a < b)
HALFTONE_BINARY(LessOrEqual, infer_ordered, compare, a <= b)
HALFTONE_BINARY(And, infer_bool, combine_bool, a&& b)
HALFTONE_BINARY(Or, infer_bool, combine_bool, a || b)
HALFTONE_BINARY(Xor, infer_bool, combine_bool, a != b)
HALFTONE_BINARY(BitwiseAnd, infer_integer, combine_bits, a& b)
HALFTONE_BINARY(BitwiseOr, infer_integer, combine_bits, a | b)
HALFTONE_BINARY(BitwiseXor, infer_integer, combine_bits, a ^ b)

extern const Op op_BitShift;
const Op op_BitShift{
    .name = "BitShift", .min_inputs = 2, .max_inputs = 2, .infer = infer_shift, .reference = reference_shift};

extern const Op op_Where;
const Op op_Where{
    .name = "Where", .min_inputs = 3, .max_inputs = 3, .infer = infer_where, .reference = reference_where};

}  // namespace halftone
