#include <cmath>

#include "cpu/convert.h"
#include "cpu/parallel.h"
#include "cpu/plain.h"

// QuantizeLinear, DequantizeLinear (8-bit) and Cast.
namespace halftone::cpu {
namespace {

using namespace plain;

/// The extents around the axis the scales run along; one entry: the whole tensor.
struct Scales {
  std::int64_t outer = 1, entries = 1, inner = 1;
};

Scales scales_of(const Problem& problem) {
  const Shape& x = problem.input(0).shape;
  const std::int64_t entries = problem.input(1).shape.count();
  if (entries == 1) return {1, 1, x.count()};
  Scales scales{1, entries, 1};
  const auto axis = normalize_axis(problem.attributes.get_int("axis", 1), x.rank());
  for (std::size_t i = 0; i < axis; ++i) scales.outer *= x[i];
  for (std::size_t i = axis + 1; i < x.rank(); ++i) scales.inner *= x[i];
  return scales;
}

Support supports_scaling(const Problem& problem, const Backend&) {
  const bool quantises = problem.op == "QuantizeLinear";
  if (!quantises && problem.op != "DequantizeLinear") return Support::no("neither QuantizeLinear nor DequantizeLinear");
  const DType small = quantises ? problem.output().dtype : problem.input(0).dtype;
  const DType large = quantises ? problem.input(0).dtype : problem.output().dtype;
  if (!is_8bit(small) || !computes_in_float(large)) return Support::no("not between 8 bits and a float type");
  if (problem.input(1).dtype != DType::f32) return Support::no("the scale is not f32");
  if (problem.attributes.get_int("block_size", 0) != 0) return Support::no("scales by blocks");
  return Support::yes();
}

template <typename T, typename Q>
void quantise(const T* x, float scale, float zero, Q* y, std::int64_t count) {
  constexpr float kLow = std::is_signed_v<Q> ? -128.0f : 0.0f;
  for (std::int64_t i = 0; i < count; ++i) {
    float value = std::nearbyint(as_float(x[i]) / scale) + zero;
    value = std::min(std::max(value, kLow), kLow + 255.0f);
    y[i] = static_cast<Q>(static_cast<int>(value));
  }
}

template <typename Q, typename T>
void dequantise(const Q* x, float scale, float zero, T* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = from_float<T>((as_float(x[i]) - zero) * scale);
}

/// work(entry, begin, end) over runs of elements that share a scale.
template <typename Work>
void over_runs(const Scales& scales, Work work) {
  if (scales.inner < 64 && scales.entries > 1) {
    parallel_for(scales.outer, scales.outer * scales.entries * scales.inner > 4096, [&](std::int64_t o) {
      for (std::int64_t e = 0; e < scales.entries; ++e) {
        const std::int64_t begin = (o * scales.entries + e) * scales.inner;
        work(e, begin, begin + scales.inner);
      }
    });
    return;
  }
  for (std::int64_t run = 0; run < scales.outer * scales.entries; ++run)
    in_chunks(scales.inner, [&](std::int64_t begin, std::int64_t end) {
      work(run % scales.entries, run * scales.inner + begin, run * scales.inner + end);
    });
}

std::unique_ptr<Prepared> prepare_scaling(const PrepareContext& context) {
  const Problem& problem = context.problem;
  const Scales scales = scales_of(problem);
  const bool quantises = problem.op == "QuantizeLinear", has_zero = problem.has(2);
  const DType small = quantises ? problem.output().dtype : problem.input(0).dtype;
  const DType large = quantises ? problem.input(0).dtype : problem.output().dtype;
  return std::make_unique<Function>([=](const RunArgs& args) {
    const auto with = [&](auto q_zero) {
      using Q = decltype(q_zero);
      const auto* scale = static_cast<const float*>(args.inputs[1]);
      const Q* zeros = has_zero ? static_cast<const Q*>(args.inputs[2]) : nullptr;
      visit_float(large, [&](auto t_zero) {
        using T = decltype(t_zero);
        over_runs(scales, [&](std::int64_t entry, std::int64_t begin, std::int64_t end) {
          const float zero = zeros ? static_cast<float>(zeros[entry]) : 0.0f;
          if (quantises)
            quantise(static_cast<const T*>(args.inputs[0]) + begin, scale[entry], zero,
                     static_cast<Q*>(args.outputs[0]) + begin, end - begin);
          else
            dequantise(static_cast<const Q*>(args.inputs[0]) + begin, scale[entry], zero,
                       static_cast<T*>(args.outputs[0]) + begin, end - begin);
        });
      });
    };
    if (small == DType::u8) with(std::uint8_t{});
    else with(std::int8_t{});
  });
}

Support supports_cast(const Problem& problem, const Backend&) {
  if (problem.op != "Cast") return Support::no("not a Cast");
  const bool floats = computes_in_float(problem.input(0).dtype) || is_8bit(problem.input(0).dtype);
  return floats && computes_in_float(problem.output().dtype)
             ? Support::yes()
             : Support::no("not to f32, bf16 or f16 from them or 8 bits");
}

std::unique_ptr<Prepared> prepare_cast(const PrepareContext& context) {
  const DType from = context.problem.input(0).dtype, to = context.problem.output().dtype;
  const std::int64_t count = context.problem.output().shape.count();
  return std::make_unique<Function>([=](const RunArgs& args) {
    visit_float(to, [&](auto t_zero) {
      using T = decltype(t_zero);
      const auto with = [&](auto f_zero) {
        using F = decltype(f_zero);
        const F* x = static_cast<const F*>(args.inputs[0]);
        T* y = static_cast<T*>(args.outputs[0]);
        in_chunks(count, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) y[i] = from_float<T>(as_float(x[i]));
        });
      };
      if (from == DType::u8) with(std::uint8_t{});
      else if (from == DType::i8) with(std::int8_t{});
      else visit_float(from, with);
    });
  });
}

}  // namespace

extern const Kernel kernel_plain_scaling, kernel_plain_cast;
const Kernel kernel_plain_scaling{"plain.scaling", supports_scaling, one_config, prepare_scaling};
const Kernel kernel_plain_cast{"plain.cast", supports_cast, one_config, prepare_cast};

}  // namespace halftone::cpu
