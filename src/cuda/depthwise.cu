#include "cuda/depthwise.h"

#include "cuda/conv_border.h"
#include "cuda/dependency.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"
#include "cuda/mma.cuh"

namespace halftone::cuda {
namespace {

/// Output pixels side by side that one thread makes, so that neighbours' windows share loads.
constexpr int kAcross = 4;

template <typename T>
struct WeightOf {
  using Type = T;
};
template <>
struct WeightOf<uint8_t> {
  using Type = int8_t;
};

template <typename T, typename Out, int kVector>
__global__ void depthwise_kernel(const ConvParams p, int64_t items) {
  release_next();
  await_earlier();
  using Weight = typename WeightOf<T>::Type;
  const int vectors = p.channels / kVector;
  const int groups = (p.out_width + kAcross - 1) / kAcross;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t item = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; item < items; item += step) {
    const int channel = static_cast<int>(item % vectors) * kVector;
    const int64_t group = item / vectors;
    const int x = static_cast<int>(group % groups) * kAcross;
    const int64_t line = group / groups;
    const int y = static_cast<int>(line % p.out_height);
    const int64_t image = line / p.out_height;
    const int top = y * p.stride_height - p.pad_top;
    const T* input = static_cast<const T*>(p.input) + image * p.height * p.width * p.input_pitch + channel;
    const Weight* weights = static_cast<const Weight*>(p.weights) + channel;
    Accumulator<T> sums[kAcross][kVector] = {};
    for (int r = 0; r < p.kernel_height; ++r) {
      const int iy = top + r * p.dilation_height;
      if (static_cast<unsigned>(iy) >= static_cast<unsigned>(p.height)) continue;
      for (int s = 0; s < p.kernel_width; ++s) {
        const auto weight =
            *reinterpret_cast<const Pack<Weight, kVector>*>(weights + (r * p.kernel_width + s) * p.channels);
#pragma unroll
        for (int i = 0; i < kAcross; ++i) {
          const int ix = (x + i) * p.stride_width - p.pad_left + s * p.dilation_width;
          if (static_cast<unsigned>(ix) >= static_cast<unsigned>(p.width)) continue;
          const auto value =
              *reinterpret_cast<const Pack<T, kVector>*>(input + (int64_t{iy} * p.width + ix) * p.input_pitch);
#pragma unroll
          for (int v = 0; v < kVector; ++v) {
            if constexpr (std::is_integral_v<T>) {
              sums[i][v] += int{value.values[v]} * int{weight.values[v]};
            } else {
              sums[i][v] = fmaf(to_float(value.values[v]), to_float(weight.values[v]), sums[i][v]);
            }
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kAcross; ++i) {
      if (x + i >= p.out_width) continue;
      const int64_t pixel = line * p.out_width + x + i;
      if (p.border != nullptr) {
        const auto* border =
            static_cast<const Accumulator<T>*>(p.border) + int64_t{border_row(p, y, x + i)} * p.border_pitch;
#pragma unroll
        for (int v = 0; v < kVector; ++v) sums[i][v] += __ldg(border + channel + v);
      }
      Pack<Out, kVector> out;
#pragma unroll
      for (int v = 0; v < kVector; ++v) {
        const float scale = p.scale != nullptr ? __ldg(p.scale + channel + v) : 1.0F;
        const float bias = p.bias != nullptr ? __ldg(p.bias + channel + v) : 0.0F;
        float sum = fmaf(static_cast<float>(sums[i][v]), scale, bias);
        if (p.residual != nullptr) {
          sum = fmaf(to_float(static_cast<const Out*>(p.residual)[pixel * p.outputs + channel + v]), p.residual_scale,
                     sum);
        }
        sum = fminf(fmaxf(sum, p.low), p.high);
        if constexpr (std::is_integral_v<Out>) {
          out.values[v] = static_cast<Out>(__float2int_rn(sum) + p.output_zero);
        } else {
          out.values[v] = from_float<Out>(sum);
        }
      }
      *reinterpret_cast<Pack<Out, kVector>*>(static_cast<Out*>(p.output) + pixel * p.output_pitch + channel) = out;
    }
  }
}

template <typename T, typename Out>
cudaError_t launch(const ConvParams& p, cudaStream_t stream) {
  constexpr int kLarger = sizeof(T) > sizeof(Out) ? sizeof(T) : sizeof(Out);
  constexpr int kVector = kLarger == 1 ? 8 : 16 / kLarger;
  constexpr int kThreads = 256;
  const int64_t pixels = int64_t{p.batch} * p.out_height * ((p.out_width + kAcross - 1) / kAcross);
  if (p.channels % kVector == 0 && p.input_pitch % kVector == 0 && p.output_pitch % kVector == 0) {
    const int64_t items = pixels * (p.channels / kVector);
    return launch_overlapping(depthwise_kernel<T, Out, kVector>, grid_blocks(items, kThreads), kThreads, 0, stream, p,
                              items);
  }
  const int64_t items = pixels * p.channels;
  return launch_overlapping(depthwise_kernel<T, Out, 1>, grid_blocks(items, kThreads), kThreads, 0, stream, p, items);
}

/// Pairs of types that are compiled: of one kind, and those of 8 bits that become more, or of 16 that become 8.
template <typename T, typename Out>
constexpr bool kCompiled = std::is_same_v<T, Out> || (std::is_integral_v<T> && std::is_integral_v<Out>) ||
                           (sizeof(T) == 1 && sizeof(Out) > 1) || (sizeof(T) == 2 && sizeof(Out) == 1);

}  // namespace

cudaError_t depthwise(const ConvParams& p, Element in, Element out, cudaStream_t stream) {
  return with_any_element(in, [&](auto x) {
    return with_any_element(out, [&](auto y) {
      if constexpr (kCompiled<decltype(x), decltype(y)>) {
        return launch<decltype(x), decltype(y)>(p, stream);
      } else {
        return cudaErrorInvalidValue;
      }
    });
  });
}

}  // namespace halftone::cuda
