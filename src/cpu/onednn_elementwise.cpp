#include <limits>

#include "cpu/onednn_row.h"

// Activations, binary operators with broadcasting, Softmax and LogSoftmax.
namespace halftone::cpu {
namespace {

using namespace onednn;
using dnnl::algorithm;

struct Function {
  algorithm what = algorithm::undef;
  float alpha = 0, beta = 0;
};

Function function_of(const Problem& problem) {
  const auto number = [&](const char* name, double otherwise) {
    return static_cast<float>(problem.attributes.get_float(name, otherwise));
  };
  const std::string& op = problem.op;
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (op == "Relu") return {algorithm::eltwise_relu, 0, 0};
  if (op == "LeakyRelu") return {algorithm::eltwise_relu, number("alpha", 0.01), 0};
  if (op == "Clip") return {algorithm::eltwise_clip, number("min", -kLargest), number("max", kLargest)};
  if (op == "Sigmoid") return {algorithm::eltwise_logistic, 0, 0};
  if (op == "Tanh") return {algorithm::eltwise_tanh, 0, 0};
  if (op == "Elu") return {algorithm::eltwise_elu, number("alpha", 1), 0};
  if (op == "HardSwish") return {algorithm::eltwise_hardswish, 0, 0};
  if (op == "Exp") return {algorithm::eltwise_exp, 0, 0};
  if (op == "Sqrt") return {algorithm::eltwise_sqrt, 0, 0};
  if (op == "Abs") return {algorithm::eltwise_abs, 0, 0};
  if (op == "Gelu")
    return {problem.attributes.get_string("approximate", "none") == "tanh" ? algorithm::eltwise_gelu_tanh
                                                                           : algorithm::eltwise_gelu_erf,
            0, 0};
  return {};
}

struct Elementwise {
  using Primitive = dnnl::eltwise_forward;
  static constexpr int kInPlace = 0;

  static Support accepts(const Problem& problem) {
    if (function_of(problem).what == algorithm::undef) return Support::no("not an activation oneDNN has");
    if (problem.input(0).shape.rank() > 6) return Support::no("more than 6 dimensions");
    return has_types(problem, false);
  }

  static Choice<Primitive> choice(const Problem& problem) {
    const auto [what, alpha, beta] = function_of(problem);
    const TensorType flat{problem.input(0).dtype, Shape{problem.input(0).shape.count()}};
    return {{dnnl::prop_kind::forward_inference, what, row_major(flat), alpha, beta}, user_scratchpad()};
  }

  static std::vector<Argument> arguments(const Problem&, const Primitive::primitive_desc& desc) {
    return source_and_destination(desc);
  }
};

struct Binary {
  using Primitive = dnnl::binary;
  static constexpr int kInPlace = 0;

  static algorithm what(const std::string& op) {
    if (op == "Add" || op == "Sum") return algorithm::binary_add;
    if (op == "Sub") return algorithm::binary_sub;
    if (op == "Mul") return algorithm::binary_mul;
    if (op == "Div") return algorithm::binary_div;
    if (op == "Max") return algorithm::binary_max;
    if (op == "Min") return algorithm::binary_min;
    return algorithm::undef;
  }

  static Support accepts(const Problem& problem) {
    if (what(problem.op) == algorithm::undef || problem.inputs.size() != 2) return Support::no("not a binary operator");
    if (problem.input(0).shape != problem.output().shape) return Support::no("the first operand is repeated");
    if (problem.output().shape.rank() > 5 || problem.output().shape.rank() == 0)
      return Support::no("not of rank 1 to 5");
    return has_types(problem, false);
  }

  /// Of the output's rank, ones in front.
  static dnnl::memory::desc extended(const TensorType& type, std::size_t rank) {
    std::vector<std::int64_t> dims(rank - type.shape.rank(), 1);
    dims.insert(dims.end(), type.shape.begin(), type.shape.end());
    return row_major({type.dtype, Shape(dims)});
  }

  static Choice<Primitive> choice(const Problem& problem) {
    const auto y = row_major(problem.output());
    const bool same = problem.input(1).shape == problem.output().shape;
    if (same) {  // one long vector
      const auto flat = row_major({problem.output().dtype, Shape{problem.output().shape.count()}});
      return {{what(problem.op), flat, flat, flat}, user_scratchpad()};
    }
    return {{what(problem.op), y, extended(problem.input(1), problem.output().shape.rank()), y}, user_scratchpad()};
  }

  static std::vector<Argument> arguments(const Problem&, const Primitive::primitive_desc& desc) {
    return {{DNNL_ARG_SRC_0, desc.src0_desc(), {Place::input, 0, {}}},
            {DNNL_ARG_SRC_1, desc.src1_desc(), {Place::input, 1, {}}},
            {DNNL_ARG_DST, desc.dst_desc(), {Place::output, 0, {}}}};
  }
};

struct SoftMax {
  using Primitive = dnnl::softmax_v2_forward;
  static constexpr int kInPlace = 0;

  static Support accepts(const Problem& problem) {
    if (problem.op != "Softmax" && problem.op != "LogSoftmax") return Support::no("not a softmax");
    if (problem.input(0).shape.rank() > 6 || problem.input(0).shape.rank() == 0)
      return Support::no("not of rank 1 to 6");
    return has_types(problem, false);
  }

  static Choice<Primitive> choice(const Problem& problem) {
    const auto x = row_major(problem.input(0));
    const auto axis = normalize_axis(problem.attributes.get_int("axis", -1), problem.input(0).shape.rank());
    return {
        {dnnl::prop_kind::forward_inference,
         problem.op == "Softmax" ? algorithm::softmax_accurate : algorithm::softmax_log, x, x, static_cast<int>(axis)},
        user_scratchpad()};
  }

  static std::vector<Argument> arguments(const Problem&, const Primitive::primitive_desc& desc) {
    return source_and_destination(desc);
  }
};

struct Reduce {
  using Primitive = dnnl::reduction;
  static constexpr int kInPlace = -1;

  static algorithm what(const std::string& op) {
    if (op == "ReduceMean") return algorithm::reduction_mean;
    if (op == "ReduceSum") return algorithm::reduction_sum;
    if (op == "ReduceMax") return algorithm::reduction_max;
    if (op == "ReduceMin") return algorithm::reduction_min;
    return algorithm::undef;
  }

  static Support accepts(const Problem& problem) {
    if (what(problem.op) == algorithm::undef) return Support::no("not a reduction oneDNN has");
    if (problem.input(0).shape.rank() > 5 || problem.input(0).shape.rank() == 0)
      return Support::no("not of rank 1 to 5");
    if (problem.input(0).shape.count() == problem.output().shape.count()) return Support::no("nothing is reduced");
    return has_types(problem, false);
  }

  static Choice<Primitive> choice(const Problem& problem) {
    const Shape& x = problem.input(0).shape;
    const auto axes = problem.attributes.get_ints("axes");
    Shape y(std::vector<std::int64_t>(x.rank(), 1));
    if (!axes.empty()) {
      y = x;
      for (const auto axis : axes) y[normalize_axis(axis, x.rank())] = 1;
    }
    return {{what(problem.op), row_major(problem.input(0)), row_major({problem.output().dtype, y}), 0.0f, 0.0f},
            user_scratchpad()};
  }

  static std::vector<Argument> arguments(const Problem&, const Primitive::primitive_desc& desc) {
    return source_and_destination(desc);
  }
};

}  // namespace

extern const Kernel kernel_onednn_elementwise, kernel_onednn_binary, kernel_onednn_softmax, kernel_onednn_reduce;
const Kernel kernel_onednn_elementwise = Row<Elementwise>::kernel("onednn.elementwise");
const Kernel kernel_onednn_binary = Row<Binary>::kernel("onednn.binary");
const Kernel kernel_onednn_softmax = Row<SoftMax>::kernel("onednn.softmax");
const Kernel kernel_onednn_reduce = Row<Reduce>::kernel("onednn.reduce");

}  // namespace halftone::cpu
