#include "cuda/image_input.h"

#include "cuda/dependency.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"
#include "cuda/mma.cuh"

namespace halftone::cuda {
namespace {

template <typename Out>
__device__ Out finished(const ImageInputParams& p, float x, int channel) {
  const float value = fmaf(x, p.multiply[channel], p.add[channel]);
  if constexpr (std::is_integral_v<Out>) return from_float<Out>(rintf(__fdiv_rn(value, p.scale)) + p.zero);
  else if constexpr (sizeof(Out) == 1) return from_float<Out>(__fdiv_rn(value, p.scale));
  else return from_float<Out>(value);
}

/// The widest word that kCount values of T are a whole number of.
template <typename T, int kCount>
using Word = std::conditional_t<
    sizeof(T) * kCount % 16 == 0, int4,
    std::conditional_t<sizeof(T) * kCount % 8 == 0, int2,
                       std::conditional_t<sizeof(T) * kCount % 4 == 0, int,
                                          std::conditional_t<sizeof(T) * kCount % 2 == 0, short, char>>>>;

template <typename T, int kCount>
union Values {
  __device__ Values() {}
  T values[kCount];
  Word<T, kCount> words[sizeof(T) * kCount / sizeof(Word<T, kCount>)];

  __device__ void load(const T* from) {
#pragma unroll
    for (int i = 0; i < static_cast<int>(sizeof(words) / sizeof(words[0])); ++i) {
      words[i] = reinterpret_cast<const Word<T, kCount>*>(from)[i];
    }
  }
  __device__ void store(T* to) const {
#pragma unroll
    for (int i = 0; i < static_cast<int>(sizeof(words) / sizeof(words[0])); ++i) {
      reinterpret_cast<Word<T, kCount>*>(to)[i] = words[i];
    }
  }
};

/// A thread makes kPixels neighbouring pixels, which lie in one image.
template <typename In, typename Out, int kChannels, int kPixels>
__global__ void image_kernel(const ImageInputParams p, int64_t items) {
  release_next();
  await_earlier();
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t item = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; item < items; item += step) {
    const int64_t pixel = item * kPixels;
    Values<Out, kPixels * kChannels> out;
    if (p.channels_last) {
      Values<In, kPixels * kChannels> in;
      in.load(static_cast<const In*>(p.input) + pixel * kChannels);
#pragma unroll
      for (int i = 0; i < kPixels * kChannels; ++i) {
        out.values[i] = finished<Out>(p, to_float(in.values[i]), i % kChannels);
      }
    } else {
      const int64_t image = pixel / p.plane;
      const In* from = static_cast<const In*>(p.input) + image * p.plane * kChannels + (pixel - image * p.plane);
#pragma unroll
      for (int c = 0; c < kChannels; ++c) {
        Values<In, kPixels> in;
        in.load(from + c * p.plane);
#pragma unroll
        for (int i = 0; i < kPixels; ++i) out.values[i * kChannels + c] = finished<Out>(p, to_float(in.values[i]), c);
      }
    }
    out.store(static_cast<Out*>(p.output) + pixel * kChannels);
  }
}

template <typename In, typename Out, int kChannels>
cudaError_t launch(const ImageInputParams& p, cudaStream_t stream) {
  constexpr int kThreads = 256;
  const int64_t pixels = p.batch * p.plane;
  if (p.plane % 4 == 0) {
    const int64_t items = pixels / 4;
    return launch_overlapping(image_kernel<In, Out, kChannels, 4>, grid_blocks(items, kThreads), kThreads, 0, stream, p,
                              items);
  }
  return launch_overlapping(image_kernel<In, Out, kChannels, 1>, grid_blocks(pixels, kThreads), kThreads, 0, stream, p,
                            pixels);
}

template <typename In, typename Out>
cudaError_t choose_channels(const ImageInputParams& p, cudaStream_t stream) {
  switch (p.channels) {
    case 1: return launch<In, Out, 1>(p, stream);
    case 3: return launch<In, Out, 3>(p, stream);
    case 4: return launch<In, Out, 4>(p, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace

cudaError_t image_input(const ImageInputParams& p, cudaStream_t stream) {
  return with_any_element(p.to, [&](auto zero) {
    using Out = decltype(zero);
    return p.from == Element::kUint8 ? choose_channels<uint8_t, Out>(p, stream)
                                     : choose_channels<float, Out>(p, stream);
  });
}

}  // namespace halftone::cuda
