#include <limits>

#include "cpu/convert.h"
#include "cpu/parallel.h"
#include "cpu/plain.h"
#include "graph/ops/image.h"
#include "graph/ops/window.h"

// Poolings of images of up to three spatial axes, in float (8-bit maxima are exact in it).
namespace halftone::cpu {
namespace {

using namespace plain;

bool average(const Problem& problem) { return problem.op.ends_with("AveragePool"); }

Support supports(const Problem& problem, const Backend&) {
  if (problem.op != "MaxPool" && problem.op != "AveragePool" && problem.op != "GlobalMaxPool" &&
      problem.op != "GlobalAveragePool")
    return Support::no("not a pooling");
  if (problem.outputs.size() > 1 && problem.outputs[1].known()) return Support::no("indices are wanted");
  const DType dtype = problem.input(0).dtype;
  const bool small = is_8bit(dtype);
  return computes_in_float(dtype) || small ? Support::yes() : Support::no("a type it does not have");
}

/// The taps of every output position, flat: positions[first[o]] … positions[first[o + 1] - 1], and what to divide by.
struct Taps {
  std::vector<std::int64_t> first{0}, positions;
  std::vector<float> divisor;
};

Taps taps_of(const Problem& problem) {
  const auto windows = ops::pooling_windows(problem);
  const bool padded = problem.attributes.get_int("count_include_pad", 0) != 0;
  Taps taps;
  ops::for_each_output(windows, [&](std::int64_t o, std::span<const ops::Tap> list) {
    for (const auto& tap : list) taps.positions.push_back(tap.position);
    taps.first.push_back(static_cast<std::int64_t>(taps.positions.size()));
    double count = static_cast<double>(list.size());
    if (padded) {
      count = 1;
      for (std::size_t axis = 3; axis-- > 0;) {
        auto window = windows[axis];
        const auto limit = window.in + window.pad_begin + window.pad_end;
        window.pad_begin = 0;
        const auto [begin, end] = window.taps(o % window.out, limit);
        count *= static_cast<double>(end - begin);
        o /= window.out;
      }
    }
    taps.divisor.push_back(static_cast<float>(count));
  });
  return taps;
}

template <typename T, bool kAverage>
void pool(const T* x, T* y, const Taps& taps, const ops::Image& in, const ops::Image& out) {
  constexpr float kStart = kAverage ? 0.0f : -std::numeric_limits<float>::infinity();
  constexpr std::int64_t kBlock = 64;
  const std::int64_t blocks = in.channels_last ? (in.c + kBlock - 1) / kBlock : in.c;
  const std::int64_t positions = out.plane;
  const auto at = [&](std::int64_t o) { return static_cast<std::size_t>(o); };
  parallel_for(in.n * positions, in.n * in.c * in.plane > 8192, [&](std::int64_t task) {
    const std::int64_t n = task / positions, o = task % positions;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t c = in.channels_last ? block * kBlock : block;
      const std::int64_t count = in.channels_last ? std::min(kBlock, in.c - c) : 1;
      float values[kBlock];
      std::fill(values, values + count, kStart);
      for (std::int64_t t = taps.first[at(o)]; t < taps.first[at(o + 1)]; ++t) {
        const T* from = x + in.at(n, c, taps.positions[at(t)]);
        for (std::int64_t i = 0; i < count; ++i) {
          const float value = as_float(from[i]);
          if constexpr (kAverage) values[i] += value;
          else values[i] = value > values[i] ? value : values[i];
        }
      }
      T* to = y + out.at(n, c, o);
      const float divisor = taps.divisor[at(o)];
      for (std::int64_t i = 0; i < count; ++i) {
        if constexpr (kAverage) to[i] = from_float<T>(divisor > 0 ? values[i] / divisor : 0.0f);
        else to[i] = from_float<T>(values[i]);
      }
    }
  });
}

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  const Problem& problem = context.problem;
  const auto in = ops::image_of(problem.attributes, problem.input(0).shape);
  const auto out = ops::image_of(problem.attributes, problem.output().shape);
  return std::make_unique<Function>(
      [in, out, taps = taps_of(problem), mean = average(problem), dtype = problem.input(0).dtype](const RunArgs& args) {
        const auto with = [&](auto zero) {
          using T = decltype(zero);
          const T* x = static_cast<const T*>(args.inputs[0]);
          T* y = static_cast<T*>(args.outputs[0]);
          if (mean) pool<T, true>(x, y, taps, in, out);
          else pool<T, false>(x, y, taps, in, out);
        };
        if (dtype == DType::u8) with(std::uint8_t{});
        else if (dtype == DType::i8) with(std::int8_t{});
        else visit_float(dtype, with);
      });
}

}  // namespace

extern const Kernel kernel_plain_pool;
const Kernel kernel_plain_pool{"plain.pool", supports, one_config, prepare};

}  // namespace halftone::cpu
