#include "cpu/finish.h"

#include <algorithm>
#include <cmath>

#include "cpu/convert.h"
#include "cpu/parallel.h"

namespace halftone::cpu {
namespace {

constexpr std::int64_t kChunk = 4096;

void activate(const FusedConv& conv, float* values, std::int64_t count) {
  switch (conv.act) {
    case Activation::none: return;
    case Activation::relu:
      for (std::int64_t i = 0; i < count; ++i) values[i] = std::max(values[i], 0.0f);
      return;
    case Activation::clip:
      for (std::int64_t i = 0; i < count; ++i) values[i] = std::min(std::max(values[i], conv.alpha), conv.beta);
      return;
    default:
      for (std::int64_t i = 0; i < count; ++i) values[i] = apply(conv.act, conv.alpha, conv.beta, values[i]);
  }
}

template <typename T>
void add(const T* residual, float scale, float zero, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] += scale * (as_float(residual[i]) - zero);
}

template <typename T>
void store(const float* values, const Quantisation& q, T* y, std::int64_t count) {
  if constexpr (std::is_integral_v<T>) {
    constexpr float kLow = std::is_signed_v<T> ? -128.0f : 0.0f;
    for (std::int64_t i = 0; i < count; ++i)
      y[i] = static_cast<T>(
          static_cast<int>(std::min(std::max(std::nearbyint(values[i] / q.y_scale) + q.y_zero, kLow), kLow + 255.0f)));
  } else {
    for (std::int64_t i = 0; i < count; ++i) y[i] = from_float<T>(values[i]);
  }
}

}  // namespace

void to_float(DType type, const void* x, float zero, float* y, std::int64_t count) {
  visit(type, [&](auto element) {
    using T = decltype(element);
    const T* from = static_cast<const T*>(x);
    in_chunks(count, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i] = as_float(from[i]) - zero;
    });
  });
}

void finish(const FusedConv& conv, const Quantisation& q, const float* sum, const void* residual, void* y) {
  const bool quantised = is_8bit(conv.residual_type);
  const float scale = quantised ? q.r_scale : 1.0f;
  const float zero = quantised ? q.r_zero : 0.0f;
  in_chunks(
      conv.n * conv.oh * conv.ow * conv.o,
      [&](std::int64_t begin, std::int64_t end) {
        alignas(64) float values[kChunk];
        const std::int64_t count = end - begin;
        std::copy(sum + begin, sum + end, values);
        if (residual)
          visit(conv.residual_type, [&](auto element) {
            add(static_cast<const decltype(element)*>(residual) + begin, scale, zero, values, count);
          });
        activate(conv, values, count);
        visit(conv.y_type, [&](auto element) { store(values, q, static_cast<decltype(element)*>(y) + begin, count); });
      },
      kChunk);
}

}  // namespace halftone::cpu
