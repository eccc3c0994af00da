#include "backend/check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "graph/fused_conv.h"

namespace halftone {
namespace {

constexpr std::string_view kMoves[] = {"Abs",           "ArgMax",   "ArgMin",   "Cast",           "Ceil",
                                       "Clip",          "Concat",   "Constant", "DepthToSpace",   "Expand",
                                       "Flatten",       "Floor",    "Gather",   "GatherElements", "GatherND",
                                       "GlobalMaxPool", "Identity", "Max",      "MaxPool",        "Min",
                                       "Neg",           "OneHot",   "Pad",      "ReduceMax",      "ReduceMin",
                                       "Relu",          "Reorder",  "Reshape",  "Round",          "ScatterElements",
                                       "ScatterND",     "Sign",     "Slice",    "SpaceToDepth",   "Split",
                                       "Squeeze",       "Tile",     "TopK",     "Transpose",      "Trilu",
                                       "Unsqueeze",     "Where"};

constexpr std::string_view kSums[] = {"AveragePool", "Conv",   "ConvTranspose", "GlobalAveragePool",
                                      "Gemm",        "MatMul", "ReduceMean",    "ReduceSum"};

constexpr std::string_view kElementwise[] = {"Add",       "Sub",   "Mul",       "DequantizeLinear",
                                             "LeakyRelu", "PRelu", "ImageInput"};

template <std::size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// A unit in the last place relative to the value, at most.
double unit(DType dtype) {
  switch (dtype) {
    case DType::bf16: return 0x1p-7;
    case DType::f16: return 0x1p-10;
    case DType::f64: return 0x1p-52;
    case DType::f8e4m3: return 0x1p-3;
    default: return 0x1p-23;
  }
}

template <typename T>
double as_double(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16> || std::is_same_v<T, Float8>)
    return static_cast<double>(float(value));
  else return static_cast<double>(value);
}

double largest(const Tensor& tensor) {
  double value = 0;
  visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* elements = tensor.data<T>().data();
    const auto count = static_cast<std::int64_t>(tensor.data<T>().size());
    if constexpr (std::is_same_v<T, Float8>) {  // sizes lie in the order of their bits; the last is NaN
      int most = 0;
#pragma omp parallel for reduction(max : most)
      for (std::int64_t i = 0; i < count; ++i) {
        const int bits = elements[i].bits & 0x7f;
        most = std::max(most, bits == 0x7f ? 0 : bits);
      }
      Float8 size;
      size.bits = static_cast<std::uint8_t>(most);
      value = as_double(size);
      return;
    }
#pragma omp parallel for reduction(max : value)
    for (std::int64_t i = 0; i < count; ++i) {
      const double size = std::abs(as_double(elements[i]));
      if (std::isfinite(size)) value = std::max(value, size);
    }
  });
  return value;
}

/// The sum of sizes of each of `rows` equal parts.
std::vector<double> row_sizes(const Tensor& tensor, std::size_t rows) {
  std::vector<double> sums(rows);
  visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* elements = tensor.data<T>().data();
    const std::size_t width = tensor.data<T>().size() / std::max<std::size_t>(1, rows);
#pragma omp parallel for
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t i = 0; i < width; ++i) sums[row] += std::abs(as_double(elements[row * width + i]));
  });
  return sums;
}

/// The root-of-length error of a float sum of `terms` terms, relative to the sum of their sizes.
double sum_error(double terms, DType dtype) {
  return (dtype == DType::f64 ? 0x1p-53 : 0x1p-24) * (8 + std::sqrt(terms));
}

/// What may be off: `relative` to the expected value, plus `absolute` by output channel (the last axis; one entry:
/// all).
struct Allowed {
  double relative = 0;
  std::vector<double> absolute{0};
};

Allowed allowed_for_fused_conv(const Problem& problem, std::span<const Tensor> inputs) {
  const auto conv = fused_conv_of(problem);
  const auto q = conv.quantised() ? quantisation_of(inputs[FusedConv::kQuantisation]) : Quantisation{};
  const auto channels = static_cast<std::size_t>(conv.o);
  const auto terms = static_cast<std::size_t>(conv.kh * conv.kw * (conv.c / conv.group));
  double x = largest(inputs[FusedConv::kX]);
  if (conv.scaled()) x = static_cast<double>(q.x_scale) * (x + std::abs(static_cast<double>(q.x_zero)));
  double residual = conv.has_residual ? largest(inputs[FusedConv::kResidual]) : 0;
  if (is_quantised(conv.residual_type))
    residual = static_cast<double>(q.r_scale) * (residual + std::abs(static_cast<double>(q.r_zero)));
  const auto w = row_sizes(inputs[FusedConv::kW], channels);
  const auto w_scale = conv.scaled() ? inputs[FusedConv::kWeightScale].to_doubles() : std::vector<double>(channels, 1);
  const auto bias = conv.has_bias ? inputs[FusedConv::kBias].to_doubles() : std::vector<double>(channels, 0);
  Allowed allowed{unit(conv.y_type), std::vector<double>(channels)};
  double slope = 1;
  double curve = 0;
  switch (conv.act) {
    case Activation::none:
    case Activation::relu:
    case Activation::clip: break;
    case Activation::leaky_relu:
    case Activation::hard_sigmoid: slope = std::max(1.0, std::abs(static_cast<double>(conv.alpha))); break;
    case Activation::hard_swish: slope = 1.5; break;
    case Activation::elu: slope = std::max(1.0, std::abs(static_cast<double>(conv.alpha))); [[fallthrough]];
    case Activation::sigmoid:
    case Activation::tanh:
    case Activation::silu: slope *= 1.1; curve = 4e-6;  // what vectorised exponentials lose
  }
  // Both factors cut to 10 bits: each product is off by up to 2^-9, to either side of the true one.
  double rounded = conv.tf32 ? 0x1p-8 / std::sqrt(static_cast<double>(terms)) : 0;
  // Hopper's tensor cores keep about 14 bits of a sum of 8-bit floats (DeepSeek-V3 technical report, 2024, 3.3.2).
  if (conv.is_fp8()) rounded = 0x1p-13;
  if (conv.tf32) allowed.relative += 0x1p-9;
  for (std::size_t o = 0; o < channels; ++o) {
    const double size = x * w[o] * std::abs(w_scale[o]) + std::abs(bias[o]) + residual;
    allowed.absolute[o] =
        slope * (sum_error(static_cast<double>(terms), DType::f32) * size + rounded * x * w[o] * std::abs(w_scale[o])) +
        curve * (1 + size * 0x1p-4);
    if (conv.y_type == DType::f8e4m3)
      allowed.absolute[o] = allowed.absolute[o] / static_cast<double>(q.y_scale) + 0x1p-9;
  }
  return allowed;
}

/// Terms a sum of these operators has.
double terms_of(const Problem& problem) {
  const auto in = static_cast<double>(problem.input(0).shape.count());
  const auto out = static_cast<double>(std::max<std::int64_t>(1, problem.output().shape.count()));
  if (problem.op == "AveragePool") {
    double taps = 1;
    for (const auto k : problem.attributes.get_ints("kernel_shape")) taps *= static_cast<double>(k);
    return taps;
  }
  if (problem.inputs.size() > 1 && problem.op != "ReduceMean" && problem.op != "ReduceSum")
    return std::max(1.0, cost(problem).macs / out);
  return std::max(1.0, in / out);
}

Allowed allowed_for(const Problem& problem, const Tensor& expected, std::span<const Tensor> inputs) {
  const double ulp = unit(expected.dtype());
  if (problem.op == "FusedConv") return allowed_for_fused_conv(problem, inputs);
  if (among(kMoves, problem.op)) return {};
  if ((problem.op == "QuantizeLinear" || problem.op == "ImageInput") && expected.dtype() == DType::f8e4m3)
    return {ulp, {0x1p-9}};
  if (among(kElementwise, problem.op)) return {ulp, {0}};
  if (among(kSums, problem.op)) {
    const double terms = terms_of(problem);
    const bool product = problem.inputs.size() > 1 && inputs[1].defined() && is_float(inputs[1].dtype());
    const bool mean = problem.op == "AveragePool" || problem.op == "GlobalAveragePool" || problem.op == "ReduceMean";
    double size = largest(inputs[0]) * (product ? largest(inputs[1]) : 1) * (mean ? 1 : terms);
    size *= std::max(1.0, std::abs(problem.attributes.get_float("alpha", 1)));
    if (inputs.size() > 2 && inputs[2].defined())
      size += largest(inputs[2]) * std::abs(problem.attributes.get_float("beta", 1));
    return {ulp, {sum_error(terms, expected.dtype()) * size}};
  }
  // Transcendental functions and normalisations: what vectorised approximations and other orders of summing lose.
  const double part = expected.dtype() == DType::f64 ? 1e-12 : 1e-5;
  double size = largest(expected);
  if (problem.op == "LogSoftmax")
    size = std::max(size, largest(inputs[0]));  // x less the logarithm of a sum: they cancel
  return {ulp + part, {0.2 * part * std::min(1.0, size)}};
}

/// Quantised by the operator itself, so that a float decides how an element rounds.
bool rounds(const Problem& problem, DType dtype) {
  if (problem.op == "FusedConv") return is_8bit(dtype);
  return is_integer(dtype) && (problem.op.starts_with("QLinear") || problem.op == "QuantizeLinear" ||
                               problem.op == "DynamicQuantizeLinear" || problem.op == "ImageInput");
}

std::string place(const Shape& shape, std::size_t at) {
  std::vector<std::int64_t> index(shape.rank());
  auto rest = static_cast<std::int64_t>(at);
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    index[axis] = rest % shape[axis];
    rest /= shape[axis];
  }
  return fmt::format("[{}]", fmt::join(index, ","));
}

/// How far outputs are from what was expected.
struct Tally {
  double worst = 0;
  std::size_t worst_at = 0;
  std::size_t off = 0;
};

template <typename T>
Tally tally(std::span<const T> want, std::span<const T> have, bool quantised, const Allowed& allowed) {
  Tally total;
#pragma omp parallel
  {
    Tally mine;
#pragma omp for schedule(static)
    for (std::size_t i = 0; i < want.size(); ++i) {
      using Bits = std::array<std::byte, sizeof(T)>;  // most are the same to the bit, which is soon seen
      if (std::bit_cast<Bits>(want[i]) == std::bit_cast<Bits>(have[i])) continue;
      const double wanted = as_double(want[i]), found = as_double(have[i]);
      if (wanted == found || (std::isnan(wanted) && std::isnan(found))) continue;
      const double difference = std::abs(wanted - found);
      double ratio = HUGE_VAL;  // a NaN or an infinity on one side
      if (quantised) {
        ratio = difference;
      } else if (std::isfinite(difference)) {
        const double limit = allowed.relative * std::abs(wanted) + allowed.absolute[i % allowed.absolute.size()];
        ratio = limit > 0 ? difference / limit : HUGE_VAL;
      }
      mine.off += ratio > (quantised ? 0 : 1) ? 1 : 0;
      if (ratio > mine.worst) mine.worst = ratio, mine.worst_at = i;
    }
#pragma omp critical
    {
      total.off += mine.off;
      if (mine.worst > total.worst || (mine.worst == total.worst && mine.worst_at < total.worst_at))
        total.worst = mine.worst, total.worst_at = mine.worst_at;
    }
  }
  return total;
}

double element(const Tensor& tensor, std::size_t at) {
  double value = 0;
  visit(tensor.dtype(), [&](auto zero) { value = as_double(tensor.data<decltype(zero)>()[at]); });
  return value;
}

Comparison compare_one(const Problem& problem, std::size_t output, const Tensor& expected, const Tensor& actual,
                       std::span<const Tensor> inputs) {
  if (expected.type() != actual.type())
    return {false, HUGE_VAL,
            fmt::format("output {} is {}, expected {}", output, actual.type().text(), expected.type().text())};
  if (expected.bytes() == 0 || std::memcmp(expected.raw(), actual.raw(), expected.bytes()) == 0) return {};
  const bool quantised = rounds(problem, expected.dtype());
  const bool exact = !quantised && !is_float(expected.dtype()) && expected.dtype() != DType::f8e4m3;
  const Allowed allowed = quantised || exact ? Allowed{} : allowed_for(problem, expected, inputs);
  Tally found;
  visit(expected.dtype(), [&](auto zero) {
    using T = decltype(zero);
    found = tally(std::span<const T>(expected.data<T>()), std::span<const T>(actual.data<T>()), quantised, allowed);
  });
  const auto [worst, worst_at, off] = found;
  const auto count = static_cast<std::size_t>(expected.shape().count());
  // A tie falls to the other side where the sums differ by their usual error: about 1e-4 of a step.
  const bool float_sums = problem.op == "FusedConv" && is_float(problem.input(0).dtype);
  const std::size_t may_round = quantised ? 1 + count / (float_sums ? 200 : 1000) : 0;
  if (quantised ? worst <= 1 && off <= may_round : worst <= 1) return {true, worst, {}};
  return {false, worst,
          fmt::format("output {} at {}: {} instead of {}; {} of {} elements off, the worst {:.3g} {}", output,
                      place(expected.shape(), worst_at), element(actual, worst_at), element(expected, worst_at), off,
                      count, worst, quantised ? "steps" : "times what is allowed")};
}

}  // namespace

Comparison compare(const Problem& problem, std::span<const Tensor> expected, std::span<const Tensor> outputs,
                   std::span<const Tensor> inputs) {
  if (expected.size() != outputs.size())
    return {false, HUGE_VAL, fmt::format("{} outputs, expected {}", outputs.size(), expected.size())};
  Comparison result;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!expected[i].defined()) continue;
    if (!outputs[i].defined()) return {false, HUGE_VAL, fmt::format("output {} is missing", i)};
    auto one = compare_one(problem, i, expected[i], outputs[i], inputs);
    if (!one.ok) return one;
    result.worst = std::max(result.worst, one.worst);
  }
  return result;
}

}  // namespace halftone
