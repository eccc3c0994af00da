#include "cuda/elementwise.h"

#include "cuda/activation.cuh"
#include "cuda/dependency.cuh"
#include "cuda/element_access.cuh"
#include "cuda/element_dispatch.cuh"
#include "cuda/launch.h"

namespace halftone::cuda {
namespace {

__device__ float compute(const ElementwiseParams& p, float a, float b) {
  switch (p.what) {
    case Elementwise::kAdd: return a + b;
    case Elementwise::kSubtract: return a - b;
    case Elementwise::kMultiply: return a * b;
    case Elementwise::kDivide: return a / b;
    case Elementwise::kMaximum: return a != a || a > b ? a : b;
    case Elementwise::kMinimum: return a != a || a < b ? a : b;
    case Elementwise::kActivate: return activate(p.which, p.alpha, p.beta, a);
    case Elementwise::kExp: return expf(a);
    case Elementwise::kLog: return logf(a);
    case Elementwise::kSqrt: return sqrtf(a);
    case Elementwise::kAbs: return fabsf(a);
    case Elementwise::kNegate: return -a;
    case Elementwise::kReciprocal: return 1.0F / a;
    case Elementwise::kErf: return erff(a);
    case Elementwise::kGelu: return 0.5F * a * (1.0F + erff(a * 0.70710678F));
    case Elementwise::kSoftplus: return a > 20.0F ? a : log1pf(expf(a));
    case Elementwise::kMish: return a * tanhf(a > 20.0F ? a : log1pf(expf(a)));
    default: return a;
  }
}

__global__ void elementwise_kernel(const ElementwiseParams p) {
  release_next();
  await_earlier();
  const bool two = p.what <= Elementwise::kMinimum;
  const bool quantises = p.what == Elementwise::kQuantize || p.what == Elementwise::kDequantize;
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < p.count; i += step) {
    int64_t at_a = i;
    int64_t at_b = i;
    if (p.axes > 0) {
      at_a = at_b = 0;
      int64_t rest = i;
      for (int axis = p.axes - 1; axis >= 0; --axis) {
        const int64_t next = rest / p.extents[axis];
        const int64_t index = rest - next * p.extents[axis];
        at_a += index * p.a_strides[axis];
        at_b += index * p.b_strides[axis];
        rest = next;
      }
    }
    const float a = load_element(p.a, p.a_type, at_a);
    if (quantises) {
      const float scale = load_element(p.b, p.b_type, at_b);
      const float zero = p.c != nullptr ? load_element(p.c, p.c_type, at_b) : 0.0F;
      if (p.what == Elementwise::kDequantize) {
        store_element(p.output, p.out_type, i, (a - zero) * scale);
      } else {
        if (p.out_type == Element::kFloat8) {
          store_element(p.output, p.out_type, i, a / scale);
          continue;
        }
        const float low = p.out_type == Element::kUint8 ? 0.0F : -128.0F;
        store_element(p.output, p.out_type, i, fminf(fmaxf(rintf(a / scale) + zero, low), low + 255.0F));
      }
    } else {
      store_element(p.output, p.out_type, i, compute(p, a, two ? load_element(p.b, p.b_type, at_b) : 0.0F));
    }
  }
}

template <typename T>
__global__ void softmax_kernel(const T* input, T* output, int64_t width, bool logarithm) {
  release_next();
  await_earlier();
  __shared__ float shared[32];
  const T* from = input + blockIdx.x * width;
  T* to = output + blockIdx.x * width;
  const auto reduce = [&](float value, bool largest) {
    for (int offset = 16; offset > 0; offset /= 2) {
      const float other = __shfl_xor_sync(0xffffffffU, value, offset);
      value = largest ? fmaxf(value, other) : value + other;
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    value = shared[0];
    for (unsigned w = 1; w < blockDim.x / 32; ++w) value = largest ? fmaxf(value, shared[w]) : value + shared[w];
    return value;
  };
  float most = -INFINITY;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) most = fmaxf(most, to_float(from[i]));
  most = reduce(most, true);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) sum += expf(to_float(from[i]) - most);
  sum = reduce(sum, false);
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
    const float x = to_float(from[i]) - most;
    to[i] = from_float<T>(logarithm ? x - logf(sum) : expf(x) / sum);
  }
}

}  // namespace

cudaError_t elementwise(const ElementwiseParams& p, cudaStream_t stream) {
  constexpr int kThreads = 256;
  return launch_overlapping(elementwise_kernel, grid_blocks(p.count, kThreads), kThreads, 0, stream, p);
}

cudaError_t softmax(const void* input, void* output, Element type, int64_t rows, int64_t width, bool logarithm,
                    cudaStream_t stream) {
  if (rows > 0x7fffffff) return cudaErrorInvalidConfiguration;
  return with_element(type, [&](auto zero) {
    using T = decltype(zero);
    return launch_overlapping(softmax_kernel<T>, static_cast<unsigned>(rows), 128, 0, stream,
                              static_cast<const T*>(input), static_cast<T*>(output), width, logarithm);
  });
}

}  // namespace halftone::cuda
