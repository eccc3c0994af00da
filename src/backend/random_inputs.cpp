#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <type_traits>

#include "backend/check.h"
#include "graph/fused_conv.h"

namespace halftone {
namespace {

/// splitmix64 (Steele, Lea, Flood 2014), so that a seed means the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  std::uint64_t state_;
};

struct Bounds {
  double low, high;
};

Tensor fill(const TensorType& type, Bounds bounds, Random& random) {
  Tensor tensor(type);
  visit(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto elements = tensor.data<T>();
    // A large tensor repeats its beginning, whose length is no multiple of anything a shape would have.
    const auto fresh = elements.first(std::min<std::size_t>(elements.size(), (std::size_t{1} << 22) + 19));
    for (auto& element : fresh) {
      if constexpr (std::is_same_v<T, bool>) {
        element = (random.bits() >> 40 & 1) != 0;
      } else if constexpr (std::is_integral_v<T>) {
        element = static_cast<T>(
            random.integer(static_cast<std::int64_t>(bounds.low), static_cast<std::int64_t>(bounds.high)));
      } else {
        element = static_cast<T>(static_cast<float>(random.uniform(bounds.low, bounds.high)));
      }
    }
    for (std::size_t at = fresh.size(); at < elements.size(); at += fresh.size())
      std::copy_n(fresh.begin(), std::min(fresh.size(), elements.size() - at), elements.begin() + at);
  });
  return tensor;
}

Bounds usual(DType dtype) {
  switch (dtype) {
    case DType::u8: return {0, 255};
    case DType::i8: return {-128, 127};
    case DType::u16:
    case DType::u32:
    case DType::u64: return {0, 100};
    case DType::i16:
    case DType::i32:
    case DType::i64: return {-100, 100};
    default: return {-1, 1};
  }
}

Bounds zero_point(DType dtype) {
  switch (dtype) {
    case DType::u8: return {96, 160};
    case DType::i8: return {-16, 16};
    case DType::i32:
    case DType::f8e4m3: return {0, 0};
    default: return dtype == DType::u16 ? Bounds{30000, 36000} : Bounds{-100, 100};
  }
}

constexpr double kStep = 0.02;    // scale of 8-bit data
constexpr double kSpread = 73.9;  // standard deviation of a full 8-bit range

/// Terms of each sum of a product of `a` and `b`, as far as scales need it.
double terms(const Problem& problem, std::size_t b) {
  const auto& shape = problem.input(b).shape;
  if (problem.op.starts_with("MatMul") || problem.op == "QLinearMatMul")
    return static_cast<double>(shape.rank() < 2 ? shape.count() : shape[shape.rank() - 2]);
  return static_cast<double>(shape.count()) / static_cast<double>(std::max<std::int64_t>(1, shape[0]));
}

enum class Role { scale, zero, output_scale, variance, positive, unit, above_one, index };

struct Special {
  std::string_view op;
  std::size_t input;
  Role role;
};

/// Inputs that must not be just any numbers.
constexpr std::array kSpecial{
    Special{"QuantizeLinear", 1, Role::scale},
    Special{"QuantizeLinear", 2, Role::zero},
    Special{"DequantizeLinear", 1, Role::scale},
    Special{"DequantizeLinear", 2, Role::zero},
    Special{"ImageInput", 3, Role::scale},
    Special{"ImageInput", 4, Role::zero},
    Special{"QLinearConv", 1, Role::scale},
    Special{"QLinearConv", 2, Role::zero},
    Special{"QLinearConv", 4, Role::scale},
    Special{"QLinearConv", 5, Role::zero},
    Special{"QLinearConv", 6, Role::output_scale},
    Special{"QLinearConv", 7, Role::zero},
    Special{"QLinearMatMul", 1, Role::scale},
    Special{"QLinearMatMul", 2, Role::zero},
    Special{"QLinearMatMul", 4, Role::scale},
    Special{"QLinearMatMul", 5, Role::zero},
    Special{"QLinearMatMul", 6, Role::output_scale},
    Special{"QLinearMatMul", 7, Role::zero},
    Special{"ConvInteger", 2, Role::zero},
    Special{"ConvInteger", 3, Role::zero},
    Special{"MatMulInteger", 2, Role::zero},
    Special{"MatMulInteger", 3, Role::zero},
    Special{"BatchNormalization", 4, Role::variance},
    Special{"Log", 0, Role::positive},
    Special{"Sqrt", 0, Role::positive},
    Special{"Reciprocal", 0, Role::positive},
    Special{"Pow", 0, Role::positive},
    Special{"Div", 1, Role::positive},
    Special{"Mod", 1, Role::positive},
    Special{"ReduceLogSum", 0, Role::positive},
    Special{"Acos", 0, Role::unit},
    Special{"Asin", 0, Role::unit},
    Special{"Atanh", 0, Role::unit},
    Special{"Acosh", 0, Role::above_one},
    Special{"Gather", 1, Role::index},
    Special{"GatherElements", 1, Role::index},
    Special{"ScatterElements", 1, Role::index},
};

Bounds bounds_of(const Problem& problem, std::size_t input) {
  const auto dtype = problem.input(input).dtype;
  const bool integral = is_integer(dtype);
  for (const auto& [op, index, role] : kSpecial) {
    if (op != problem.op || index != input) continue;
    switch (role) {
      case Role::scale: return {0.5 * kStep, 1.5 * kStep};
      case Role::zero: return zero_point(dtype);
      case Role::output_scale: {
        const double deviation = kSpread * kSpread * kStep * kStep * std::sqrt(terms(problem, 3));
        return {deviation / 48, deviation / 40};
      }
      case Role::variance: return {0.5, 1.5};
      case Role::positive: return integral ? Bounds{1, 11} : Bounds{0.25, 3};
      case Role::unit: return {-0.9, 0.9};
      case Role::above_one: return {1.1, 3};
      case Role::index: {
        const auto& shape = problem.input(0).shape;
        const auto axis = normalize_axis(problem.attributes.get_int("axis", 0), shape.rank());
        return {0, static_cast<double>(std::max<std::int64_t>(1, shape[axis]) - 1)};
      }
    }
  }
  const bool product =
      problem.op == "Conv" || problem.op == "Gemm" || problem.op == "MatMul" || problem.op == "ConvTranspose";
  if (product && input == 1 && !integral) {
    const double reach = std::sqrt(3 / std::max(1.0, terms(problem, 1)));
    return {-reach, reach};
  }
  if (problem.op == "QuantizeLinear" && input == 0 && !integral) return {-4, 4};
  if (problem.op == "Cast" && input == 0 && !integral) return {0, 100};
  return usual(dtype);
}

/// w_scale makes the real sums have a deviation of about 1.7 whatever their length; the rest follows from that.
void fill_fused_conv(const Problem& problem, std::vector<Tensor>& inputs, Random& random) {
  const auto conv = fused_conv_of(problem);
  const double fan_in = static_cast<double>(conv.kh * conv.kw * (conv.c / conv.group));
  if (!conv.scaled()) {
    const double reach = 3 / std::sqrt(fan_in);
    inputs[FusedConv::kW] = fill(problem.input(FusedConv::kW), {-reach, reach}, random);
  } else {
    // f8e4m3 data is drawn from -1 to 1, with a deviation of 1 / sqrt(3).
    const double spread = conv.is_fp8() ? 1 / std::sqrt(3.0) : kSpread;
    const double scale = 1.7 / (kStep * spread * spread * std::sqrt(fan_in));
    inputs[FusedConv::kWeightScale] = fill(problem.input(FusedConv::kWeightScale), {0.5 * scale, 1.5 * scale}, random);
  }
  if (!conv.quantised()) return;
  const auto zero = [&](DType dtype) -> float {
    const auto [low, high] = zero_point(dtype);
    if (dtype == DType::u8) return static_cast<float>(random.bits() >> 40 & 1 ? 0 : random.integer(96, 160));
    return dtype == DType::i8
               ? static_cast<float>(random.integer(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)))
               : 0.0f;
  };
  const auto scale = [&](DType dtype) {
    return is_quantised(dtype) ? static_cast<float>(random.uniform(0.9 * kStep, 1.1 * kStep)) : 1.0f;
  };
  std::array<float, 6> q{scale(conv.x_type),       zero(conv.x_type),  scale(conv.residual_type),
                         zero(conv.residual_type), scale(conv.y_type), zero(conv.y_type)};
  if (!conv.has_residual) q[2] = 1, q[3] = 0;
  if (conv.is_fp8() && !conv.symmetric) q[1] = static_cast<float>(Float8(static_cast<float>(random.uniform(-1, 0.25))));
  if (conv.symmetric) q[1] = q[3] = q[5] = 0;
  inputs[FusedConv::kQuantisation] = Tensor::from<float>(Shape{6}, std::span<const float>(q));
}

}  // namespace

std::vector<Tensor> random_inputs(const Problem& problem, std::uint64_t seed) {
  Random random(seed);
  std::vector<Tensor> inputs(problem.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (problem.has(i)) inputs[i] = fill(problem.input(i), bounds_of(problem, i), random);
  if (problem.op == "FusedConv") fill_fused_conv(problem, inputs, random);
  return inputs;
}

}  // namespace halftone
