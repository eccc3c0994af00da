#include <cmath>
#include <limits>

#include "cpu/convert.h"
#include "cpu/parallel.h"
#include "cpu/plain.h"
#include "graph/ops/helpers.h"
#include "graph/ops/image.h"

// Softmax and LogSoftmax along an axis, reductions over neighbouring axes, LRN across channels.
namespace halftone::cpu {
namespace {

using namespace plain;

/// Elements [outer, extent, inner] with the work along `extent`.
using ops::AxisView;

Support supports_softmax(const Problem& problem, const Backend&) {
  if (problem.op != "Softmax" && problem.op != "LogSoftmax") return Support::no("not a softmax");
  return computes_in_float(problem.input(0).dtype) ? Support::yes() : Support::no("not a float type");
}

template <typename T>
void softmax(const T* x, T* y, const AxisView& view, bool logarithm) {
  parallel_for(view.outer * view.inner, view.outer * view.inner * view.extent > 4096, [&](std::int64_t line) {
    const std::int64_t start = line / view.inner * view.extent * view.inner + line % view.inner;
    const auto at = [&](std::int64_t i) { return start + i * view.inner; };
    float largest = -std::numeric_limits<float>::infinity();
    for (std::int64_t i = 0; i < view.extent; ++i) largest = std::max(largest, as_float(x[at(i)]));
    double total = 0;
    for (std::int64_t i = 0; i < view.extent; ++i) total += std::exp(as_float(x[at(i)]) - largest);
    const auto shift = static_cast<float>(std::log(total)), scale = static_cast<float>(1.0 / total);
    for (std::int64_t i = 0; i < view.extent; ++i) {
      const float value = as_float(x[at(i)]) - largest;
      y[at(i)] = from_float<T>(logarithm ? value - shift : std::exp(value) * scale);
    }
  });
}

std::unique_ptr<Prepared> prepare_softmax(const PrepareContext& context) {
  const Shape& shape = context.problem.input(0).shape;
  const auto view = ops::around(shape, normalize_axis(context.problem.attributes.get_int("axis", -1), shape.rank()));
  return std::make_unique<Function>(
      [view, logarithm = context.problem.op == "LogSoftmax",
       dtype = context.problem.input(0).dtype](const RunArgs& args) {
        visit_float(dtype, [&](auto zero) {
          using T = decltype(zero);
          softmax(static_cast<const T*>(args.inputs[0]), static_cast<T*>(args.outputs[0]), view, logarithm);
        });
      },
      0);
}

/// The axes reduced as one run; nothing where they are not neighbours.
std::optional<AxisView> reduced(const Problem& problem) {
  const Shape& x = problem.input(0).shape;
  auto axes = problem.attributes.get_ints("axes");
  std::vector<char> marked(x.rank(), axes.empty() && problem.attributes.get_int("noop_with_empty_axes", 0) == 0);
  for (const auto axis : axes) marked[normalize_axis(axis, x.rank())] = 1;
  AxisView view;
  int part = 0;  // before, within, after
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (marked[i] && part == 0) part = 1;
    if (!marked[i] && part == 1) part = 2;
    if (marked[i] && part == 2 && x[i] != 1) return std::nullopt;
    (part == 0 ? view.outer : part == 1 ? view.extent : view.inner) *= x[i];
  }
  return view;
}

Support supports_reduce(const Problem& problem, const Backend&) {
  if (problem.op != "ReduceMean" && problem.op != "ReduceSum" && problem.op != "ReduceMax" && problem.op != "ReduceMin")
    return Support::no("not a mean, sum, maximum or minimum");
  if (!computes_in_float(problem.input(0).dtype)) return Support::no("not a float type");
  const auto view = reduced(problem);
  if (!view) return Support::no("the axes are not neighbours");
  return view->extent > 0 ? Support::yes() : Support::no("it is empty");
}

template <typename T, typename Step>
void reduce(const T* x, T* y, const AxisView& view, float start, float factor, Step step) {
  constexpr std::int64_t kBlock = 256;
  const std::int64_t blocks = (view.inner + kBlock - 1) / kBlock;
  parallel_for(view.outer * blocks, view.outer * view.inner * view.extent > 8192, [&](std::int64_t task) {
    const std::int64_t o = task / blocks, begin = task % blocks * kBlock;
    const std::int64_t count = std::min(kBlock, view.inner - begin);
    float values[kBlock];
    std::fill(values, values + count, start);
    for (std::int64_t e = 0; e < view.extent; ++e) {
      const T* from = x + (o * view.extent + e) * view.inner + begin;
      for (std::int64_t i = 0; i < count; ++i) values[i] = step(values[i], as_float(from[i]));
    }
    for (std::int64_t i = 0; i < count; ++i) y[o * view.inner + begin + i] = from_float<T>(values[i] * factor);
  });
}

std::unique_ptr<Prepared> prepare_reduce(const PrepareContext& context) {
  const AxisView view = *reduced(context.problem);
  return std::make_unique<Function>(
      [view, op = context.problem.op, dtype = context.problem.input(0).dtype](const RunArgs& args) {
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        visit_float(dtype, [&](auto zero) {
          using T = decltype(zero);
          const T* x = static_cast<const T*>(args.inputs[0]);
          T* y = static_cast<T*>(args.outputs[0]);
          const auto add = [](float a, float b) { return a + b; };
          if (op == "ReduceSum") reduce(x, y, view, 0, 1, add);
          else if (op == "ReduceMean") reduce(x, y, view, 0, 1.0f / static_cast<float>(view.extent), add);
          else if (op == "ReduceMax") reduce(x, y, view, -kInfinity, 1, [](float a, float b) { return a > b ? a : b; });
          else reduce(x, y, view, kInfinity, 1, [](float a, float b) { return a < b ? a : b; });
        });
      });
}

Support supports_lrn(const Problem& problem, const Backend&) {
  if (problem.op != "LRN") return Support::no("not an LRN");
  return computes_in_float(problem.input(0).dtype) ? Support::yes() : Support::no("not a float type");
}

std::unique_ptr<Prepared> prepare_lrn(const PrepareContext& context) {
  const Problem& problem = context.problem;
  const auto image = ops::image_of(problem.attributes, problem.input(0).shape);
  const auto size = problem.attributes.get_int("size", 1);
  const auto alpha = static_cast<float>(problem.attributes.get_float("alpha", 1e-4) / static_cast<double>(size));
  const auto beta = static_cast<float>(problem.attributes.get_float("beta", 0.75));
  const auto bias = static_cast<float>(problem.attributes.get_float("bias", 1));
  return std::make_unique<Function>([=, dtype = problem.input(0).dtype](const RunArgs& args) {
    visit_float(dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* x = static_cast<const T*>(args.inputs[0]);
      T* y = static_cast<T*>(args.outputs[0]);
      parallel_for(image.n * image.plane, image.n * image.plane * image.c > 1024, [&](std::int64_t position) {
        const std::int64_t n = position / image.plane, s = position % image.plane;
        const std::int64_t before = (size - 1) / 2, after = size - 1 - before;
        for (std::int64_t c = 0; c < image.c; ++c) {
          float sum = 0;
          for (std::int64_t i = std::max<std::int64_t>(0, c - before); i <= std::min(image.c - 1, c + after); ++i) {
            const float value = as_float(x[image.at(n, i, s)]);
            sum += value * value;
          }
          const float base = bias + alpha * sum;
          const float power = beta == 0.75f ? std::sqrt(base) * std::sqrt(std::sqrt(base)) : std::pow(base, beta);
          y[image.at(n, c, s)] = from_float<T>(as_float(x[image.at(n, c, s)]) / power);
        }
      });
    });
  });
}

}  // namespace

extern const Kernel kernel_plain_softmax, kernel_plain_reduce, kernel_plain_lrn;
const Kernel kernel_plain_softmax{"plain.softmax", supports_softmax, one_config, prepare_softmax};
const Kernel kernel_plain_reduce{"plain.reduce", supports_reduce, one_config, prepare_reduce};
const Kernel kernel_plain_lrn{"plain.lrn", supports_lrn, one_config, prepare_lrn};

}  // namespace halftone::cpu
