#include <cmath>
#include <limits>

#include "cpu/convert.h"
#include "cpu/parallel.h"
#include "cpu/plain.h"
#include "graph/ops/helpers.h"

// Operators of one float operand, and of two with broadcasting, in float.
namespace halftone::cpu {
namespace {

using namespace plain;

/// A function applied to `count` floats in place.
using Map = void (*)(float* values, std::int64_t count, float a, float b);

template <typename F>
constexpr Map map_of() {
  return [](float* values, std::int64_t count, float a, float b) {
    for (std::int64_t i = 0; i < count; ++i) values[i] = F::of(values[i], a, b);
  };
}

#define HALFTONE_FUNCTION(NAME, EXPRESSION)                                                             \
  struct NAME {                                                                                         \
    static float of(float x, [[maybe_unused]] float a, [[maybe_unused]] float b) { return EXPRESSION; } \
  };
HALFTONE_FUNCTION(Relu, x < 0 ? 0.0f : x)
HALFTONE_FUNCTION(LeakyRelu, x < 0 ? a * x : x)
HALFTONE_FUNCTION(Clip, x < a ? a : (x > b ? b : x))
HALFTONE_FUNCTION(Abs, std::fabs(x))
HALFTONE_FUNCTION(Neg, -x)
HALFTONE_FUNCTION(Sqrt, std::sqrt(x))
HALFTONE_FUNCTION(Reciprocal, 1.0f / x)
HALFTONE_FUNCTION(Floor, std::floor(x))
HALFTONE_FUNCTION(Ceil, std::ceil(x))
HALFTONE_FUNCTION(Round, std::nearbyint(x))
HALFTONE_FUNCTION(HardSigmoid, std::min(std::max(a* x + b, 0.0f), 1.0f))
HALFTONE_FUNCTION(HardSwish, x* std::min(std::max(x / 6.0f + 0.5f, 0.0f), 1.0f))
HALFTONE_FUNCTION(Softsign, x / (1.0f + std::fabs(x)))
HALFTONE_FUNCTION(ThresholdedRelu, x > a ? x : 0.0f)
HALFTONE_FUNCTION(Exp, std::exp(x))
HALFTONE_FUNCTION(Log, std::log(x))
HALFTONE_FUNCTION(Erf, std::erf(x))
HALFTONE_FUNCTION(Tanh, std::tanh(x))
HALFTONE_FUNCTION(Sigmoid, 1.0f / (1.0f + std::exp(-x)))
HALFTONE_FUNCTION(Elu, x < 0 ? a * std::expm1(x) : x)
HALFTONE_FUNCTION(Softplus, std::log1p(std::exp(-std::fabs(x))) + std::max(x, 0.0f))
HALFTONE_FUNCTION(Mish, x* std::tanh(Softplus::of(x, 0, 0)))
#undef HALFTONE_FUNCTION

struct Unary {
  std::string_view op;
  Map map;
  std::string_view a_name = {};
  double a = 0;
  std::string_view b_name = {};
  double b = 0;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Unary kUnary[] = {
    {"Relu", map_of<Relu>()},
    {"LeakyRelu", map_of<LeakyRelu>(), "alpha", 0.01},
    {"Clip", map_of<Clip>(), "min", -kInfinity, "max", kInfinity},
    {"Abs", map_of<Abs>()},
    {"Neg", map_of<Neg>()},
    {"Sqrt", map_of<Sqrt>()},
    {"Reciprocal", map_of<Reciprocal>()},
    {"Floor", map_of<Floor>()},
    {"Ceil", map_of<Ceil>()},
    {"Round", map_of<Round>()},
    {"HardSigmoid", map_of<HardSigmoid>(), "alpha", 0.2, "beta", 0.5},
    {"HardSwish", map_of<HardSwish>()},
    {"Softsign", map_of<Softsign>()},
    {"ThresholdedRelu", map_of<ThresholdedRelu>(), "alpha", 1.0},
    {"Exp", map_of<Exp>()},
    {"Log", map_of<Log>()},
    {"Erf", map_of<Erf>()},
    {"Tanh", map_of<Tanh>()},
    {"Sigmoid", map_of<Sigmoid>()},
    {"Elu", map_of<Elu>(), "alpha", 1.0},
    {"Softplus", map_of<Softplus>()},
    {"Mish", map_of<Mish>()},
};

const Unary* find_unary(std::string_view op) {
  for (const auto& row : kUnary)
    if (row.op == op) return &row;
  return nullptr;
}

Support supports_unary(const Problem& problem, const Backend&) {
  if (!find_unary(problem.op)) return Support::no("not one of its functions");
  return computes_in_float(problem.input(0).dtype) ? Support::yes() : Support::no("not a float type");
}

std::unique_ptr<Prepared> prepare_unary(const PrepareContext& context) {
  const Unary& row = *find_unary(context.problem.op);
  const auto number = [&](std::string_view name, double otherwise) {
    return name.empty() ? 0.0f : static_cast<float>(context.problem.attributes.get_float(name, otherwise));
  };
  const float a = number(row.a_name, row.a), b = number(row.b_name, row.b);
  const std::int64_t total = context.problem.output().shape.count();
  const DType dtype = context.problem.input(0).dtype;
  return std::make_unique<Function>(
      [=, map = row.map](const RunArgs& args) {
        in_chunks(total, [&](std::int64_t begin, std::int64_t end) {
          visit_float(dtype, [&](auto zero) {
            using T = decltype(zero);
            const T* x = static_cast<const T*>(args.inputs[0]) + begin;
            T* y = static_cast<T*>(args.outputs[0]) + begin;
            float values[1024];
            for (std::int64_t done = 0, count = end - begin; done < count; done += 1024) {
              const std::int64_t part = std::min<std::int64_t>(1024, count - done);
              for (std::int64_t i = 0; i < part; ++i) values[i] = as_float(x[done + i]);
              map(values, part, a, b);
              for (std::int64_t i = 0; i < part; ++i) y[done + i] = from_float<T>(values[i]);
            }
          });
        });
      },
      0);
}

/// Calls `work` with the operator's function of two floats; false where there is none.
template <typename Work>
bool with_binary(std::string_view op, Work work) {
  if (op == "Add" || op == "Sum") work([](float a, float b) { return a + b; });
  else if (op == "Sub") work([](float a, float b) { return a - b; });
  else if (op == "Mul") work([](float a, float b) { return a * b; });
  else if (op == "Div") work([](float a, float b) { return a / b; });
  else if (op == "Max") work([](float a, float b) { return a > b ? a : b; });
  else if (op == "Min") work([](float a, float b) { return a < b ? a : b; });
  else if (op == "PRelu") work([](float a, float b) { return a < 0 ? a * b : a; });
  else return false;
  return true;
}

Support supports_binary(const Problem& problem, const Backend&) {
  if (problem.inputs.size() != 2 || !with_binary(problem.op, [](auto) {}))
    return Support::no("not one of its functions");
  return computes_in_float(problem.input(0).dtype) ? Support::yes() : Support::no("not a float type");
}

std::unique_ptr<Prepared> prepare_binary(const PrepareContext& context) {
  Shape shape = context.problem.output().shape;
  if (shape.rank() == 0) shape = Shape{1};
  const auto a_strides = ops::broadcast_strides(context.problem.input(0).shape, shape);
  const auto b_strides = ops::broadcast_strides(context.problem.input(1).shape, shape);
  // Trailing axes that both operands run through (or repeat) alike are one.
  std::size_t axis = shape.rank() - 1;
  std::int64_t inner = shape[axis];
  while (axis > 0 && a_strides[axis - 1] == a_strides[axis] * shape[axis] &&
         b_strides[axis - 1] == b_strides[axis] * shape[axis])
    inner *= shape[--axis];
  const std::int64_t rows = inner == 0 ? 0 : shape.count() / inner;
  const std::int64_t a_step = a_strides.back(), b_step = b_strides.back();
  std::function<void(const RunArgs&)> function;
  with_binary(context.problem.op, [&](auto operation) {
    function = [=, dtype = context.problem.input(0).dtype](const RunArgs& args) {
      visit_float(dtype, [&](auto zero) {
        using T = decltype(zero);
        const auto block = [&](const T* a, const T* b, T* y, std::int64_t count) {
          if (a_step == 1 && b_step == 1)
            for (std::int64_t i = 0; i < count; ++i) y[i] = from_float<T>(operation(as_float(a[i]), as_float(b[i])));
          else
            for (std::int64_t i = 0; i < count; ++i)
              y[i] = from_float<T>(operation(as_float(a[i * a_step]), as_float(b[i * b_step])));
        };
        const std::int64_t parts = (inner + 4095) / 4096;
        parallel_for(rows * parts, rows * inner > 4096, [&](std::int64_t task) {
          const std::int64_t row = task / parts, begin = task % parts * 4096;
          std::int64_t a = 0, b = 0, rest = row;
          for (std::size_t k = axis; k-- > 0; rest /= shape[k]) {
            a += rest % shape[k] * a_strides[k];
            b += rest % shape[k] * b_strides[k];
          }
          block(static_cast<const T*>(args.inputs[0]) + a + begin * a_step,
                static_cast<const T*>(args.inputs[1]) + b + begin * b_step,
                static_cast<T*>(args.outputs[0]) + row * inner + begin, std::min<std::int64_t>(4096, inner - begin));
        });
      });
    };
  });
  const bool takes_over = context.problem.input(0).shape == context.problem.output().shape;
  return std::make_unique<Function>(std::move(function), takes_over ? 0 : -1);
}

}  // namespace

extern const Kernel kernel_plain_unary, kernel_plain_binary;
const Kernel kernel_plain_unary{"plain.unary", supports_unary, one_config, prepare_unary};
const Kernel kernel_plain_binary{"plain.binary", supports_binary, one_config, prepare_binary};

}  // namespace halftone::cpu
