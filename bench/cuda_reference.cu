#include "bench/cuda_reference.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cuda/mma.cuh"

namespace halftone::cuda {
namespace {

void must(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "reference: %s\n", cudaGetErrorString(error));
  std::exit(1);
}

__device__ uint32_t noise(uint64_t i, uint32_t seed) {
  uint64_t x = i * 0x9e3779b97f4a7c15ULL + seed * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<uint32_t>(x >> 32);
}

template <typename T>
__global__ void fill_kernel(T* data, int64_t count, uint32_t seed, float low, float high) {
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += int64_t{gridDim.x} * blockDim.x) {
    const float unit = noise(i, seed) * 0x1p-32F;
    data[i] = from_float<T>(low + (high - low) * unit);
  }
}

template <typename T>
void fill(T* data, int64_t count, uint32_t seed, float low, float high) {
  fill_kernel<<<2048, 256>>>(data, count, seed, low, high);
  must(cudaGetLastError());
}

template <typename Function>
void with_type(BenchType type, Function&& function) {
  switch (type) {
    case BenchType::kInt8: return function(int8_t{}, int8_t{}, int8_t{});
    case BenchType::kUint8: return function(uint8_t{}, int8_t{}, int8_t{});
    case BenchType::kFp8: return function(__nv_fp8_e4m3{}, __nv_fp8_e4m3{}, __nv_fp8_e4m3{});
    case BenchType::kFp16: return function(__half{}, __half{}, __half{});
    case BenchType::kBf16: return function(__nv_bfloat16{}, __nv_bfloat16{}, __nv_bfloat16{});
    case BenchType::kTf32: return function(float{}, float{}, float{});
  }
}

__device__ float finish(const ConvParams& p, double sum, int o, float residual, bool integer) {
  double x = sum;
  if (p.scale != nullptr) x *= p.scale[o];
  if (p.bias != nullptr) x += p.bias[o];
  x += static_cast<double>(residual) * p.residual_scale;
  x = fmin(fmax(x, static_cast<double>(p.low)), static_cast<double>(p.high));
  return static_cast<float>(integer ? rint(x) + p.output_zero : x);
}

template <typename T, typename W, typename Out>
__global__ void conv_kernel(ConvParams p, float* output) {
  const int64_t count = int64_t{p.batch} * p.out_height * p.out_width * p.outputs;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += int64_t{gridDim.x} * blockDim.x) {
    const int o = static_cast<int>(i % p.outputs);
    const int64_t pixel = i / p.outputs;
    const int x = static_cast<int>(pixel % p.out_width);
    const int y = static_cast<int>(pixel / p.out_width % p.out_height);
    const int64_t image = pixel / p.out_width / p.out_height;
    double sum = 0;
    for (int r = 0; r < p.kernel_height; ++r) {
      for (int s = 0; s < p.kernel_width; ++s) {
        const int iy = y * p.stride_height - p.pad_top + r * p.dilation_height;
        const int ix = x * p.stride_width - p.pad_left + s * p.dilation_width;
        if (iy < 0 || iy >= p.height || ix < 0 || ix >= p.width) continue;
        const T* in = static_cast<const T*>(p.input) + ((image * p.height + iy) * p.width + ix) * p.input_pitch;
        const W* w =
            static_cast<const W*>(p.weights) + ((int64_t{o} * p.kernel_height + r) * p.kernel_width + s) * p.channels;
        float part = 0;
        for (int c = 0; c < p.channels; ++c) {
          if constexpr (sizeof(T) == 1) {
            part += to_float(in[c]) * to_float(w[c]);
            if (c % 256 == 255) {
              sum += part;
              part = 0;
            }
          } else {
            sum += static_cast<double>(to_float(in[c])) * to_float(w[c]);
          }
        }
        sum += part;
      }
    }
    float residual = 0;
    if (p.residual != nullptr) {
      const Out r = static_cast<const Out*>(p.residual)[i];
      residual = to_float(r);
      if constexpr (sizeof(Out) == 1) {
        if (p.residual_unsigned && residual < 0) residual += 256;
      }
    }
    output[i] = finish(p, sum, o, residual, std::is_same_v<Out, int8_t>);
  }
}

template <typename T>
__global__ void stem_kernel(StemParams p, const T* weights, float* output) {
  const ConvParams& c = p.conv;
  const int64_t count = int64_t{c.batch} * c.out_height * c.out_width * c.outputs;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += int64_t{gridDim.x} * blockDim.x) {
    const int o = static_cast<int>(i % c.outputs);
    const int64_t pixel = i / c.outputs;
    const int x = static_cast<int>(pixel % c.out_width);
    const int y = static_cast<int>(pixel / c.out_width % c.out_height);
    const int64_t image = pixel / c.out_width / c.out_height;
    double sum = 0;
    for (int r = 0; r < c.kernel_height; ++r) {
      for (int s = 0; s < c.kernel_width; ++s) {
        const int iy = y * c.stride_height - c.pad_top + r * c.dilation_height;
        const int ix = x * c.stride_width - c.pad_left + s * c.dilation_width;
        if (iy < 0 || iy >= c.height || ix < 0 || ix >= c.width) continue;
        for (int k = 0; k < c.channels; ++k) {
          T value;
          const int64_t at = ((image * c.height + iy) * c.width + ix) * c.input_pitch + k;
          if (p.bytes) {
            value = from_float<T>(static_cast<float>(static_cast<const uint8_t*>(c.input)[at]) - kByteShift);
          } else {
            value = static_cast<const T*>(c.input)[at];
          }
          const T w = weights[((int64_t{o} * c.kernel_height + r) * c.kernel_width + s) * c.channels + k];
          sum += static_cast<double>(to_float(value)) * to_float(w);
        }
      }
    }
    output[i] = finish(c, sum, o, 0.0F, std::is_same_v<T, int8_t>);
  }
}

struct Sums {
  double difference;
  double reference;
  unsigned long long off_by_one;
  unsigned long long off;
};

template <typename Out>
__global__ void compare_kernel(const Out* output, const float* reference, int64_t pixels, int channels, int pitch,
                               Sums* sums) {
  Sums mine{};
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < pixels * channels;
       i += int64_t{gridDim.x} * blockDim.x) {
    const float a = to_float(output[i / channels * pitch + i % channels]);
    const float b = reference[i];
    const double d = static_cast<double>(a) - b;
    mine.difference += d * d;
    mine.reference += static_cast<double>(b) * b;
    if (fabs(d) > 1.5) {
      ++mine.off;
    } else if (fabs(d) > 0.5) {
      ++mine.off_by_one;
    }
  }
  atomicAdd(&sums->difference, mine.difference);
  atomicAdd(&sums->reference, mine.reference);
  atomicAdd(&sums->off_by_one, mine.off_by_one);
  atomicAdd(&sums->off, mine.off);
}

}  // namespace

const char* name(BenchType type) {
  switch (type) {
    case BenchType::kInt8: return "int8";
    case BenchType::kUint8: return "uint8";
    case BenchType::kFp8: return "fp8";
    case BenchType::kFp16: return "fp16";
    case BenchType::kBf16: return "bf16";
    case BenchType::kTf32: return "tf32";
  }
  return "";
}

size_t bytes_of(BenchType type) {
  if (type == BenchType::kTf32) return 4;
  return type == BenchType::kFp16 || type == BenchType::kBf16 ? 2 : 1;
}

void fill_random(void* data, BenchType type, int64_t count, uint32_t seed) {
  with_type(type, [&](auto zero, auto, auto) {
    using T = decltype(zero);
    const float low = type == BenchType::kInt8 ? -127.49F : type == BenchType::kUint8 ? -0.49F : -1;
    const float high = type == BenchType::kInt8 ? 127.49F : type == BenchType::kUint8 ? 255.49F : 1;
    fill(static_cast<T*>(data), count, seed, low, high);
  });
}

void fill_bytes(void* data, int64_t count, uint32_t seed) {
  fill(static_cast<uint8_t*>(data), count, seed, -0.49F, 255.49F);
}

void fill_floats(float* data, int64_t count, float low, float high, uint32_t seed) {
  fill(data, count, seed, low, high);
}

void reference_conv(const ConvParams& p, BenchType type, float* output) {
  with_type(type, [&](auto in, auto weight, auto out) {
    conv_kernel<decltype(in), decltype(weight), decltype(out)><<<4096, 128>>>(p, output);
  });
  must(cudaGetLastError());
}

void reference_stem(const StemParams& p, const void* ohwi_weights, float* output) {
  const auto launch = [&](auto zero) {
    using T = decltype(zero);
    stem_kernel<T><<<4096, 128>>>(p, static_cast<const T*>(ohwi_weights), output);
  };
  switch (p.compute) {
    case StemCompute::kInt8: launch(int8_t{}); break;
    case StemCompute::kFp8: launch(__nv_fp8_e4m3{}); break;
    case StemCompute::kFp16: launch(__half{}); break;
    case StemCompute::kBf16: launch(__nv_bfloat16{}); break;
    case StemCompute::kTf32: launch(float{}); break;
  }
  must(cudaGetLastError());
}

Difference compare(const void* output, BenchType type, const float* reference, int64_t pixels, int channels,
                   int pitch) {
  Sums* sums = nullptr;
  must(cudaMalloc(&sums, sizeof(Sums)));
  must(cudaMemset(sums, 0, sizeof(Sums)));
  with_type(type, [&](auto, auto, auto zero) {
    using Out = decltype(zero);
    compare_kernel<<<256, 256>>>(static_cast<const Out*>(output), reference, pixels, channels, pitch, sums);
  });
  must(cudaGetLastError());
  Sums host{};
  must(cudaMemcpy(&host, sums, sizeof(Sums), cudaMemcpyDeviceToHost));
  must(cudaFree(sums));
  return {std::sqrt(host.difference / (host.reference > 0 ? host.reference : 1)), static_cast<int64_t>(host.off_by_one),
          static_cast<int64_t>(host.off)};
}

}  // namespace halftone::cuda
