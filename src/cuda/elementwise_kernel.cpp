#include "cuda/elementwise.h"

#include <array>
#include <limits>
#include <optional>

#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"
#include "cuda/layout.h"
#include "cuda/quantize.h"

// Arithmetic of two with broadcasting, activations, casts between floats, (de)quantisation, and softmax.
namespace halftone::cuda {
namespace {

struct Function {
  Elementwise what;
  Activation activation = Activation::none;
  float alpha = 0, beta = 0;
};

std::optional<Function> function_of(const Problem& problem) {
  const auto number = [&](const char* name, double otherwise) {
    return static_cast<float>(problem.attributes.get_float(name, otherwise));
  };
  const std::string& op = problem.op;
  constexpr double kLargest = std::numeric_limits<float>::max();
  constexpr std::array<std::pair<std::string_view, Elementwise>, 16> kPlain{{{"Add", Elementwise::kAdd},
                                                                             {"Sub", Elementwise::kSubtract},
                                                                             {"Mul", Elementwise::kMultiply},
                                                                             {"Div", Elementwise::kDivide},
                                                                             {"Max", Elementwise::kMaximum},
                                                                             {"Min", Elementwise::kMinimum},
                                                                             {"Exp", Elementwise::kExp},
                                                                             {"Log", Elementwise::kLog},
                                                                             {"Sqrt", Elementwise::kSqrt},
                                                                             {"Abs", Elementwise::kAbs},
                                                                             {"Neg", Elementwise::kNegate},
                                                                             {"Reciprocal", Elementwise::kReciprocal},
                                                                             {"Erf", Elementwise::kErf},
                                                                             {"Softplus", Elementwise::kSoftplus},
                                                                             {"Mish", Elementwise::kMish},
                                                                             {"Cast", Elementwise::kConvert}}};
  for (const auto& [name, what] : kPlain)
    if (op == name) return Function{what};
  const auto act = [](Activation which, float alpha = 0, float beta = 0) {
    return Function{Elementwise::kActivate, which, alpha, beta};
  };
  if (op == "Relu") return act(Activation::relu);
  if (op == "Clip") return act(Activation::clip, number("min", -kLargest), number("max", kLargest));
  if (op == "LeakyRelu") return act(Activation::leaky_relu, number("alpha", 0.01));
  if (op == "Sigmoid") return act(Activation::sigmoid);
  if (op == "Tanh") return act(Activation::tanh);
  if (op == "HardSigmoid") return act(Activation::hard_sigmoid, number("alpha", 0.2), number("beta", 0.5));
  if (op == "HardSwish") return act(Activation::hard_swish);
  if (op == "Elu") return act(Activation::elu, number("alpha", 1));
  if (op == "Gelu" && problem.attributes.get_string("approximate", "none") == "none")
    return Function{Elementwise::kGelu};
  if (op == "QuantizeLinear") return Function{Elementwise::kQuantize};
  if (op == "DequantizeLinear") return Function{Elementwise::kDequantize};
  return std::nullopt;
}

bool quantises(const Function& function) {
  return function.what == Elementwise::kQuantize || function.what == Elementwise::kDequantize;
}

bool is_plain_float(DType dtype) { return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16; }

Support supports(const Problem& problem, const Backend&) {
  const auto function = function_of(problem);
  if (!function) return Support::no("not an element-wise operator it has");
  if (problem.output().shape.rank() > kMostAxes) return Support::no("more than 6 dimensions");
  if (problem.output().shape.count() == 0) return Support::no("it is empty");
  for (const auto& operand : problem.inputs)
    if (operand.present() && !has_element(operand.type.dtype))
      return Support::no(fmt::format("{} values", name(operand.type.dtype)));
  if (quantises(*function)) {
    if (problem.attributes.get_int("block_size", 0) != 0) return Support::no("blocks of scales");
    const bool to_bytes = function->what == Elementwise::kQuantize;
    if (is_quantised(problem.output().dtype) != to_bytes || is_quantised(problem.input(0).dtype) == to_bytes ||
        !has_element(problem.output().dtype))
      return Support::no("not between floats and 8 bits");
    const auto& scale = problem.input(1).shape;
    if (scale.rank() > 1) return Support::no("a table of scales");
    return Support::yes();
  }
  if (!is_plain_float(problem.output().dtype))
    return Support::no(fmt::format("{} results", name(problem.output().dtype)));
  if (problem.input(0).dtype == DType::f8e4m3) return Support::no("8-bit floats without a scale");
  const bool two = function->what <= Elementwise::kMinimum;
  if (problem.inputs.size() > 1 && problem.has(1) && !two) return Support::no("bounds that are inputs");
  if (two && (problem.inputs.size() != 2 || !problem.has(1))) return Support::no("not of two operands");
  if (function->what != Elementwise::kConvert)
    for (const auto& operand : problem.inputs)
      if (!is_plain_float(operand.type.dtype)) return Support::no("operands that are no floats");
  return Support::yes();
}

/// Strides in the output's axes, zero where the operand repeats.
void broadcast_strides(const Shape& shape, const Shape& out, int64_t* strides) {
  const auto own = strides_of(shape);
  const std::size_t lead = out.rank() - shape.rank();
  for (std::size_t i = 0; i < out.rank(); ++i) strides[i] = i < lead || shape[i - lead] == 1 ? 0 : own[i - lead];
}

class ElementwiseProgram : public Prepared {
 public:
  explicit ElementwiseProgram(const PrepareContext& context) {
    const Problem& problem = context.problem;
    const Function function = *function_of(problem);
    p_.what = function.what;
    p_.which = static_cast<int>(function.activation);
    p_.alpha = function.alpha;
    p_.beta = function.beta;
    p_.a_type = element_of(problem.input(0).dtype);
    p_.out_type = element_of(problem.output().dtype);
    const Shape& out = problem.output().shape;
    p_.count = out.count();
    inputs_ = problem.inputs.size();
    if (inputs_ > 1 && problem.has(1)) p_.b_type = element_of(problem.input(1).dtype);
    if (inputs_ > 2 && problem.has(2)) p_.c_type = element_of(problem.input(2).dtype);
    const bool same = inputs_ < 2 || problem.input(0).shape == problem.input(1).shape;
    same_types_ = p_.a_type == p_.out_type && (inputs_ < 2 || p_.b_type == p_.out_type);
    in_place_ = problem.input(0) == problem.output();
    if (quantises(function) || !same) {
      p_.axes = static_cast<int>(out.rank());
      for (std::size_t i = 0; i < out.rank(); ++i) p_.extents[i] = out[i];
      broadcast_strides(problem.input(0).shape, out, p_.a_strides);
      if (quantises(function)) {
        const auto& scale = problem.input(1).shape;
        if (scale.rank() == 1 && scale[0] > 1)
          p_.b_strides[normalize_axis(problem.attributes.get_int("axis", 1), out.rank())] = 1;
        if (out.rank() == 0) p_.axes = 0;
      } else {
        broadcast_strides(problem.input(1).shape, out, p_.b_strides);
      }
      if (quantises(function) && problem.input(1).shape.count() == 1) {
        // One long vector and one scale.
        one_scale_ = true;
        p_.axes = 1;
        p_.extents[0] = p_.count;
        p_.a_strides[0] = 1;
        p_.b_strides[0] = 0;
      }
    }
  }
  int in_place_input() const override { return in_place_ ? 0 : -1; }
  void run(const RunArgs& args) const override {
    ElementwiseParams p = p_;
    p.a = args.inputs[0];
    if (inputs_ > 1) p.b = args.inputs[1];
    if (inputs_ > 2) p.c = args.inputs[2];
    p.output = args.outputs[0];
    const bool plain = p.what == Elementwise::kAdd || (p.what == Elementwise::kActivate && p.which <= 2);
    if (plain && p.axes == 0 && same_types_) {
      AddParams sum;
      sum.a = p.a;
      sum.b = p.b;
      sum.output = p.output;
      sum.type = p.out_type;
      sum.count = p.count;
      if (p.which == static_cast<int>(Activation::relu)) sum.low = 0;
      if (p.which == static_cast<int>(Activation::clip)) {
        sum.low = p.alpha;
        sum.high = p.beta;
      }
      check(add(sum, raw(args.stream)), "cuda.elementwise");
      return;
    }
    if (p.what == Elementwise::kConvert) {
      check(convert(p.a, p.a_type, p.output, p.out_type, p.count, 1, 0, raw(args.stream)), "cuda.elementwise");
      return;
    }
    if (p.what == Elementwise::kQuantize && one_scale_) {
      QuantizeParams q;
      q.input = p.a;
      q.scale = p.b;
      q.zero = p.c;
      q.output = p.output;
      q.from = p.a_type;
      q.scale_type = p.b_type;
      q.to = p.out_type;
      q.count = p.count;
      check(quantize(q, raw(args.stream)), "cuda.elementwise");
      return;
    }
    check(elementwise(p, raw(args.stream)), "cuda.elementwise");
  }

 private:
  ElementwiseParams p_;
  std::size_t inputs_ = 1;
  bool same_types_ = false;
  bool one_scale_ = false;
  bool in_place_ = false;
};

std::vector<std::string> only(const Problem&, const Backend&) { return {""}; }

Support softmax_supports(const Problem& problem, const Backend&) {
  if (problem.op != "Softmax" && problem.op != "LogSoftmax") return Support::no("not a softmax");
  const auto& shape = problem.input(0).shape;
  if (shape.rank() == 0 || shape.count() == 0) return Support::no("it is empty or a scalar");
  if (!is_plain_float(problem.input(0).dtype))
    return Support::no(fmt::format("{} values", name(problem.input(0).dtype)));
  const auto axis = normalize_axis(problem.attributes.get_int("axis", -1), shape.rank());
  for (std::size_t i = axis + 1; i < shape.rank(); ++i)
    if (shape[i] != 1) return Support::no("not along the innermost axis");
  return Support::yes();
}

class SoftmaxProgram : public Prepared {
 public:
  explicit SoftmaxProgram(const Problem& problem)
      : type_(element_of(problem.input(0).dtype)), logarithm_(problem.op == "LogSoftmax") {
    const auto& shape = problem.input(0).shape;
    width_ = shape[normalize_axis(problem.attributes.get_int("axis", -1), shape.rank())];
    rows_ = shape.count() / width_;
  }
  int in_place_input() const override { return 0; }
  void run(const RunArgs& args) const override {
    check(softmax(args.inputs[0], args.outputs[0], type_, rows_, width_, logarithm_, raw(args.stream)), "cuda.softmax");
  }

 private:
  Element type_;
  bool logarithm_;
  std::int64_t rows_ = 1, width_ = 1;
};

}  // namespace

extern const Kernel kernel_elementwise, kernel_softmax;
const Kernel kernel_elementwise{"cuda.elementwise", supports, only,
                                [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                                  return std::make_unique<ElementwiseProgram>(context);
                                }};
const Kernel kernel_softmax{"cuda.softmax", softmax_supports, only,
                            [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                              return std::make_unique<SoftmaxProgram>(context.problem);
                            }};

}  // namespace halftone::cuda
