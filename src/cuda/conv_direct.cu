#include "cuda/conv_direct.h"

#include "cuda/activation.cuh"
#include "cuda/dependency.cuh"
#include "cuda/element_access.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

template <typename T, typename W>
__global__ void direct_kernel(const DirectParams p, int64_t count) {
  release_next();
  await_earlier();
  const ConvParams& c = p.conv;
  const int group_in = c.channels / p.groups;
  const int group_out = c.outputs / p.groups;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const int64_t pixel = i / c.outputs;
    const int o = static_cast<int>(i - pixel * c.outputs);
    const int64_t line = pixel / c.out_width;
    const int x = static_cast<int>(pixel - line * c.out_width);
    const int64_t image = line / c.out_height;
    const int y = static_cast<int>(line - image * c.out_height);
    const int first = o / group_out * group_in;
    float sum = 0;
    float compensation = 0;
    for (int r = 0; r < c.kernel_height; ++r) {
      const int iy = y * c.stride_height - c.pad_top + r * c.dilation_height;
      if (iy < 0 || iy >= c.height) continue;
      for (int s = 0; s < c.kernel_width; ++s) {
        const int ix = x * c.stride_width - c.pad_left + s * c.dilation_width;
        if (ix < 0 || ix >= c.width) continue;
        const T* in = static_cast<const T*>(c.input) + ((image * c.height + iy) * c.width + ix) * c.channels + first;
        const W* w =
            static_cast<const W*>(c.weights) + ((int64_t{o} * c.kernel_height + r) * c.kernel_width + s) * group_in;
        // Kahan: one long sum a thread would lose more than the tuner's check allows.
        for (int k = 0; k < group_in; ++k) {
          const float term = fmaf(to_float(in[k]) - p.input_zero, to_float(w[k]), -compensation);
          const float next = sum + term;
          compensation = (next - sum) - term;
          sum = next;
        }
      }
    }
    if (c.scale != nullptr) sum *= c.scale[o];
    if (c.bias != nullptr) sum += c.bias[o];
    if (c.residual != nullptr) {
      sum += c.residual_scale * (load_element(c.residual, p.residual, i) - p.residual_zero);
    }
    sum = activate(p.activation, p.alpha, p.beta, sum);
    if (p.out == Element::kFloat8) {
      sum /= p.output_scale;
    } else if (element_bytes(p.out) == 1) {
      sum = fminf(fmaxf(rintf(sum / p.output_scale) + static_cast<float>(c.output_zero), c.low), c.high);
    }
    store_element(c.output, p.out, i, sum);
  }
}

}  // namespace

cudaError_t conv_direct(const DirectParams& p, cudaStream_t stream) {
  const int64_t count = output_pixels(p.conv) * p.conv.outputs;
  constexpr int kThreads = 128;
  return with_any_element(p.in, [&](auto zero) {
    using T = decltype(zero);
    const unsigned blocks = grid_blocks(count, kThreads);
    if constexpr (std::is_integral_v<T>) {
      return launch_overlapping(direct_kernel<T, int8_t>, blocks, kThreads, 0, stream, p, count);
    } else {
      return launch_overlapping(direct_kernel<T, T>, blocks, kThreads, 0, stream, p, count);
    }
  });
}

}  // namespace halftone::cuda
