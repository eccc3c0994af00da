/// Checks every CUDA kernel against a plain reference and times it on ResNet-50's shapes.
///
///     cuda_bench [--batch N] [--types int8,fp16,…] [--json FILE] [--check]
///
/// Times are medians of graph replays over rotating buffers; the floor is the larger of the
/// operations over the unit's measured peak and the bytes over the measured bandwidth.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "bench/cuda_reference.h"
#include "bench/cuda_timing.h"
#include "cuda/conv_gemm.h"
#include "cuda/conv_pointwise.h"
#include "cuda/conv_stem.h"
#include "cuda/cudnn_conv.h"
#include "cuda/cudnn_library.h"
#include "cuda/depthwise.h"
#include "cuda/layout.h"
#include "cuda/pool.h"

using namespace halftone::cuda;

namespace {

constexpr size_t kCounterBytes = 1 << 16;
size_t shared_limit = 0;  // bytes of shared memory a block may have
int failures = 0;
std::string json_rows;

struct Layer {
  const char* name;
  int size, channels, outputs, kernel, stride;
  bool residual, relu;
  int count;
};

// ResNet-50 after its stem, as torchvision lays it out (stride on the 3x3).
const Layer kResNet50[] = {
    {"1x1 64-64 56", 56, 64, 64, 1, 1, false, true, 1},
    {"3x3 64 56", 56, 64, 64, 3, 1, false, true, 3},
    {"1x1 64-256 56 add", 56, 64, 256, 1, 1, true, true, 3},
    {"1x1 64-256 56", 56, 64, 256, 1, 1, false, false, 1},
    {"1x1 256-64 56", 56, 256, 64, 1, 1, false, true, 2},
    {"1x1 256-128 56", 56, 256, 128, 1, 1, false, true, 1},
    {"3x3/2 128 56", 56, 128, 128, 3, 2, false, true, 1},
    {"1x1 128-512 28 add", 28, 128, 512, 1, 1, true, true, 4},
    {"1x1/2 256-512 56", 56, 256, 512, 1, 2, false, false, 1},
    {"1x1 512-128 28", 28, 512, 128, 1, 1, false, true, 3},
    {"3x3 128 28", 28, 128, 128, 3, 1, false, true, 3},
    {"1x1 512-256 28", 28, 512, 256, 1, 1, false, true, 1},
    {"3x3/2 256 28", 28, 256, 256, 3, 2, false, true, 1},
    {"1x1 256-1024 14 add", 14, 256, 1024, 1, 1, true, true, 6},
    {"1x1/2 512-1024 28", 28, 512, 1024, 1, 2, false, false, 1},
    {"1x1 1024-256 14", 14, 1024, 256, 1, 1, false, true, 5},
    {"3x3 256 14", 14, 256, 256, 3, 1, false, true, 5},
    {"1x1 1024-512 14", 14, 1024, 512, 1, 1, false, true, 1},
    {"3x3/2 512 14", 14, 512, 512, 3, 2, false, true, 1},
    {"1x1 512-2048 7 add", 7, 512, 2048, 1, 1, true, true, 3},
    {"1x1/2 1024-2048 14", 14, 1024, 2048, 1, 2, false, false, 1},
    {"1x1 2048-512 7", 7, 2048, 512, 1, 1, false, true, 2},
    {"3x3 512 7", 7, 512, 512, 3, 1, false, true, 2},
};

ConvParams shape_of(const Layer& layer, int batch) {
  ConvParams p;
  p.batch = batch;
  p.height = p.width = layer.size;
  p.channels = p.input_pitch = layer.channels;
  p.outputs = p.output_pitch = layer.outputs;
  p.kernel_height = p.kernel_width = layer.kernel;
  p.stride_height = p.stride_width = layer.stride;
  p.pad_top = p.pad_left = layer.kernel / 2;
  p.out_height = p.out_width = (layer.size + 2 * (layer.kernel / 2) - layer.kernel) / layer.stride + 1;
  return p;
}

bool is_integer(BenchType type) { return type == BenchType::kInt8 || type == BenchType::kUint8; }

std::span<const ConvGemmConfig> table(BenchType type) {
  switch (type) {
    case BenchType::kInt8: return conv_gemm_int8();
    case BenchType::kUint8: return conv_gemm_uint8();
    case BenchType::kFp8: return conv_gemm_fp8();
    case BenchType::kFp16: return conv_gemm_fp16();
    case BenchType::kBf16: return conv_gemm_bf16();
    default: return conv_gemm_tf32();
  }
}

std::span<const PointwiseConfig> pointwise_table(BenchType type) {
  switch (type) {
    case BenchType::kInt8: return conv_pointwise_int8();
    case BenchType::kUint8: return conv_pointwise_uint8();
    case BenchType::kFp16: return conv_pointwise_fp16();
    case BenchType::kBf16: return conv_pointwise_bf16();
    default: return {};
  }
}

double tolerance(BenchType type) {
  switch (type) {
    case BenchType::kFp8: return 0.04;
    case BenchType::kBf16: return 4e-3;
    case BenchType::kInt8:
    case BenchType::kUint8: return 1e-2;
    default: return 1e-3;
  }
}

/// Pointers for one conv: `sets` of input, residual and output; weights, scale and bias shared.
struct Buffers {
  std::vector<ConvParams> sets;
  float* reference = nullptr;
};

Buffers make_buffers(Memory& memory, ConvParams p, BenchType type, bool residual, bool relu, int sets, uint32_t seed,
                     bool reference) {
  const size_t size = bytes_of(type);
  const int64_t in_count = int64_t{p.batch} * p.height * p.width * p.input_pitch;
  const int64_t pixels = output_pixels(p);
  const int64_t depth = int64_t{p.kernel_height} * p.kernel_width * p.channels;
  char* weights = memory.get<char>(static_cast<size_t>(p.outputs * depth) * size);
  fill_random(weights, type == BenchType::kUint8 ? BenchType::kInt8 : type, p.outputs * depth, seed + 1);
  float* scale = memory.get<float>(p.outputs * 4);
  float* bias = memory.get<float>(p.outputs * 4);
  const bool integer = is_integer(type);
  const float unit = integer ? 40.0F / (73.0F * (type == BenchType::kUint8 ? 147 : 73)) : 1.7F;
  const float norm = unit / std::sqrt(static_cast<float>(depth));
  fill_floats(scale, p.outputs, norm * 0.5F, norm * 1.5F, seed + 2);
  fill_floats(bias, p.outputs, integer ? -20.0F : -0.5F, integer ? 20.0F : 0.5F, seed + 3);
  p.weights = weights;
  p.scale = scale;
  p.bias = bias;
  p.residual_scale = residual ? 0.75F : 1.0F;
  if (relu) p.low = 0;
  if (integer) {
    p.low = std::max(p.low, -128.0F);
    p.high = 127.0F;
  }
  Buffers out;
  for (int s = 0; s < sets; ++s) {
    char* input = memory.get<char>(static_cast<size_t>(in_count) * size);
    fill_random(input, type, in_count, seed + 10 + static_cast<uint32_t>(s));
    p.input = input;
    if (residual) {
      char* added = memory.get<char>(static_cast<size_t>(pixels * p.outputs) * size);
      fill_random(added, integer ? BenchType::kInt8 : type, pixels * p.outputs, seed + 30 + static_cast<uint32_t>(s));
      p.residual = added;
    }
    p.output = memory.get<char>(static_cast<size_t>(pixels * p.output_pitch) * size);
    out.sets.push_back(p);
  }
  if (reference) {
    out.reference = memory.get<float>(static_cast<size_t>(pixels * p.outputs) * 4);
    reference_conv(out.sets[0], type, out.reference);
    MUST(cudaDeviceSynchronize());
  }
  return out;
}

bool verify(const ConvParams& p, BenchType type, const float* reference, const std::string& what) {
  MUST(cudaStreamSynchronize(the_stream));
  const Difference d = compare(p.output, type, reference, output_pixels(p), p.outputs, p.output_pitch);
  const int64_t values = output_pixels(p) * p.outputs;
  const bool good =
      d.relative < tolerance(type) && (!is_integer(type) || (d.off == 0 && d.off_by_one <= values / 500 + 1));
  if (!good) {
    ++failures;
    std::printf("WRONG %s %s: relative %.3g, off by one %lld, off %lld of %lld\n", name(type), what.c_str(), d.relative,
                static_cast<long long>(d.off_by_one), static_cast<long long>(d.off), static_cast<long long>(values));
  }
  return good;
}

void poison(const ConvParams& p, BenchType type) {
  MUST(cudaMemsetAsync(p.output, 0xff, static_cast<size_t>(output_pixels(p) * p.output_pitch) * bytes_of(type),
                       the_stream));
}

/// Odd sizes, remainders, pitches, pads, dilation and shared inner dimensions, every tile.
void check_gemm(BenchType type) {
  const int unit = static_cast<int>(16 / bytes_of(type));
  struct Odd {
    int batch, height, width, channels, outputs, kernel_h, kernel_w, stride, pad, dilation, pitch;
    bool residual, relu;
    int splits;
  };
  const Odd odds[] = {
      {1, 7, 7, 4 * unit, 64, 1, 1, 1, 0, 1, 0, false, true, 1},
      {2, 13, 11, unit, 24, 3, 3, 1, 1, 1, 0, true, true, 1},
      {3, 17, 9, 3 * unit, 40, 3, 3, 2, 1, 1, 0, false, false, 1},
      {1, 15, 15, 5 * unit, 130, 5, 3, 1, 2, 2, 0, true, false, 1},
      {2, 9, 9, 2 * unit, 33, 3, 3, 1, 1, 1, 0, true, true, 1},
      {2, 14, 14, 16 * unit, 256, 3, 3, 1, 1, 1, 16, true, true, 4},
      {1, 7, 7, 32 * unit, 96, 1, 1, 1, 0, 1, 32, false, true, 3},
      {5, 12, 10, 6 * unit, 272, 1, 1, 2, 0, 1, 0, true, true, 2},
  };
  uint32_t seed = 7;
  for (const Odd& odd : odds) {
    ConvParams p;
    p.batch = odd.batch;
    p.height = odd.height;
    p.width = odd.width;
    p.channels = odd.channels;
    p.input_pitch = odd.channels + odd.pitch;
    p.outputs = odd.outputs;
    p.output_pitch = odd.outputs + odd.pitch;
    p.kernel_height = odd.kernel_h;
    p.kernel_width = odd.kernel_w;
    p.stride_height = p.stride_width = odd.stride;
    p.pad_top = p.pad_left = odd.pad;
    p.dilation_height = p.dilation_width = odd.dilation;
    p.out_height = (odd.height + 2 * odd.pad - (odd.kernel_h - 1) * odd.dilation - 1) / odd.stride + 1;
    p.out_width = (odd.width + 2 * odd.pad - (odd.kernel_w - 1) * odd.dilation - 1) / odd.stride + 1;
    Memory memory;
    Buffers buffers = make_buffers(memory, p, type, odd.residual, odd.relu, 1, seed += 100, true);
    for (const ConvGemmConfig& config : table(type)) {
      ConvParams run = buffers.sets[0];
      run.workspace_bytes = config.workspace(run, odd.splits);
      run.workspace = memory.get(run.workspace_bytes);
      run.counters = memory.get<unsigned>(kCounterBytes);
      MUST(cudaMemset(run.counters, 0, kCounterBytes));
      for (int repeat = 0; repeat < 2; ++repeat) {
        poison(run, type);
        MUST(config.launch(run, odd.splits, the_stream));
        char what[160];
        std::snprintf(what, sizeof what, "%s n%d %dx%dx%d-%d k%dx%d/%d pad %d dil %d splits %d",
                      std::string(config.name).c_str(), odd.batch, odd.height, odd.width, odd.channels, odd.outputs,
                      odd.kernel_h, odd.kernel_w, odd.stride, odd.pad, odd.dilation, odd.splits);
        verify(run, type, buffers.reference, what);
      }
    }
  }
}

void check_pointwise(BenchType type) {
  const int unit = static_cast<int>(16 / bytes_of(type));
  struct Odd {
    int batch, size, channels, outputs, stride, pitch;
    bool residual, relu;
  };
  const Odd odds[] = {{1, 7, 4 * unit, 64, 1, 0, true, true},    {3, 13, unit, 48, 1, 0, true, false},
                      {2, 15, 7 * unit, 272, 2, 0, false, true}, {40, 28, 8 * unit, 512, 1, 0, true, true},
                      {5, 14, 3 * unit, 96, 1, 16, true, true},  {70, 14, 16 * unit, 80, 1, 0, false, false}};
  uint32_t seed = 5000;
  for (const Odd& odd : odds) {
    ConvParams p;
    p.batch = odd.batch;
    p.height = p.width = odd.size;
    p.channels = odd.channels;
    p.outputs = odd.outputs;
    p.input_pitch = odd.channels + odd.pitch;
    p.output_pitch = odd.outputs + odd.pitch;
    p.stride_height = p.stride_width = odd.stride;
    p.out_height = p.out_width = (odd.size - 1) / odd.stride + 1;
    Memory memory;
    Buffers buffers = make_buffers(memory, p, type, odd.residual, odd.relu, 1, seed += 100, true);
    for (const PointwiseConfig& config : pointwise_table(type)) {
      poison(buffers.sets[0], type);
      MUST(config.launch(buffers.sets[0], the_stream));
      char what[128];
      std::snprintf(what, sizeof what, "stream %s n%d %d^2x%d-%d/%d", std::string(config.name).c_str(), odd.batch,
                    odd.size, odd.channels, odd.outputs, odd.stride);
      verify(buffers.sets[0], type, buffers.reference, what);
    }
  }
}

struct Ceiling {
  double bandwidth = 4.2e12;
  std::map<BenchType, double> operations = {{BenchType::kInt8, 1.4e15}, {BenchType::kUint8, 1.4e15},
                                            {BenchType::kFp8, 1.4e15},  {BenchType::kFp16, 781e12},
                                            {BenchType::kBf16, 768e12}, {BenchType::kTf32, 398e12}};
};
Ceiling ceiling;

double floor_seconds(const ConvParams& p, BenchType type, bool residual) {
  const double size = static_cast<double>(bytes_of(type));
  const double pixels = static_cast<double>(output_pixels(p));
  const double depth = static_cast<double>(p.kernel_height) * p.kernel_width * p.channels;
  const double operations = 2 * pixels * p.outputs * depth;
  // A strided 1x1 reads only the pixels it uses.
  const double read = p.kernel_height == 1 ? pixels * p.channels : double(p.batch) * p.height * p.width * p.channels;
  const double bytes = size * (read + pixels * p.outputs * (residual ? 2 : 1) + p.outputs * depth);
  return std::max(operations / ceiling.operations[type], bytes / ceiling.bandwidth);
}

void record(const char* family, const std::string& problem, const char* type, int batch, const std::string& tactic,
            double time, double floor, const std::string& extra = "") {
  char row[512];
  std::snprintf(row, sizeof row,
                "%s  {\"family\": \"%s\", \"problem\": \"%s\", \"type\": \"%s\", \"batch\": %d, "
                "\"tactic\": \"%s\", \"us\": %.3f, \"floor_us\": %.3f%s}",
                json_rows.empty() ? "" : ",\n", family, problem.c_str(), type, batch, tactic.c_str(), time * 1e6,
                floor * 1e6, extra.c_str());
  json_rows += row;
}

CudnnType cudnn_type(BenchType type) {
  switch (type) {
    case BenchType::kInt8: return CudnnType::kInt8;
    case BenchType::kFp16: return CudnnType::kFloat16;
    case BenchType::kBf16: return CudnnType::kBfloat16;
    default: return CudnnType::kTf32;
  }
}

/// All layers of ResNet-50 but stem and pools: the best of ours against the best of cuDNN.
void time_resnet(cudnnHandle_t cudnn, BenchType type, int batch, bool with_cudnn) {
  double ours_total = 0;
  double cudnn_total = 0;
  double best_total = 0;
  double floor_total = 0;
  std::printf("\n%s, batch %d: us of ours (tile, splits), of cuDNN (engine), floor\n", name(type), batch);
  for (const Layer& layer : kResNet50) {
    Memory memory;
    const ConvParams shape = shape_of(layer, batch);
    const size_t set_bytes =
        bytes_of(type) * static_cast<size_t>(double(batch) * layer.size * layer.size * layer.channels +
                                             output_pixels(shape) * layer.outputs * (layer.residual ? 2.0 : 1.0));
    const int sets = static_cast<int>(std::clamp<size_t>((150UL << 20) / set_bytes, 1, 12));
    Buffers buffers = make_buffers(memory, shape, type, layer.residual, layer.relu, sets, 5, true);
    const double floor = floor_seconds(shape, type, layer.residual);

    double ours = 1e9;
    std::string ours_name;
    for (const ConvGemmConfig& config : table(type)) {
      const int64_t tiles = (output_pixels(shape) + config.rows - 1) / config.rows *
                            ((shape.outputs + config.columns - 1) / config.columns);
      const int steps =
          static_cast<int>(static_cast<size_t>(layer.kernel * layer.kernel * layer.channels) * bytes_of(type) / 64);
      for (const int splits : {1, 2, 4, 8, 16}) {
        if (splits > 1 && (tiles * splits > 132 * 6 || steps < splits * 2)) continue;
        const size_t workspace = config.workspace(shape, splits);
        std::vector<ConvParams> runs = buffers.sets;
        void* scratch = memory.get(workspace);
        auto* counters = memory.get<unsigned>(kCounterBytes);
        MUST(cudaMemset(counters, 0, kCounterBytes));
        for (ConvParams& run : runs) {
          run.workspace = scratch;
          run.workspace_bytes = workspace;
          run.counters = counters;
        }
        poison(runs[0], type);
        const double time = seconds(
            [&](int set, cudaStream_t stream) { return config.launch(runs[static_cast<size_t>(set)], splits, stream); },
            sets, floor * 2);
        const std::string tactic = std::string(config.name) + "/" + std::to_string(splits);
        if (time > 0 && verify(runs[0], type, buffers.reference, layer.name + (" " + tactic)) && time < ours) {
          ours = time;
          ours_name = tactic;
        }
      }
    }
    if (layer.kernel == 1) {
      for (const PointwiseConfig& config : pointwise_table(type)) {
        poison(buffers.sets[0], type);
        const double time = seconds(
            [&](int set, cudaStream_t stream) { return config.launch(buffers.sets[static_cast<size_t>(set)], stream); },
            sets, floor * 2);
        const std::string tactic = "stream " + std::string(config.name);
        if (time > 0 && verify(buffers.sets[0], type, buffers.reference, layer.name + (" " + tactic))) {
          std::printf("    %-18s %s %.1f us\n", layer.name, tactic.c_str(), time * 1e6);
          if (time < ours) {
            ours = time;
            ours_name = tactic;
          }
        }
      }
    }
    double library = 1e9;
    std::string library_name = "-";
    if (with_cudnn) {
      CudnnConvDescription description;
      description.shape = shape;
      description.type = cudnn_type(type);
      description.bias = true;
      description.residual = layer.residual;
      description.relu = layer.relu;
      std::string why;
      const auto plans = cudnn_conv_plans(cudnn, description, 5, &why);
      if (plans.empty()) std::printf("  cuDNN refuses %s: %s\n", layer.name, why.c_str());
      // cuDNN adds the residual unscaled and, for floats, does not scale.
      Memory own;
      Buffers plain;
      for (ConvParams run : buffers.sets) {
        run.residual_scale = 1;
        if (!is_integer(type)) run.scale = nullptr;
        plain.sets.push_back(run);
      }
      float* reference = own.get<float>(static_cast<size_t>(output_pixels(shape) * shape.outputs) * 4);
      reference_conv(plain.sets[0], type, reference);
      MUST(cudaDeviceSynchronize());
      for (const auto& plan : plans) {
        void* scratch = own.get(plan->workspace_bytes());
        for (ConvParams& run : plain.sets) {
          run.workspace = scratch;
          run.workspace_bytes = plan->workspace_bytes();
        }
        poison(plain.sets[0], type);
        const double time =
            seconds([&](int set,
                        cudaStream_t stream) { return plan->run(cudnn, plain.sets[static_cast<size_t>(set)], stream); },
                    sets, floor * 2);
        if (time <= 0) continue;
        const int before = failures;
        if (verify(plain.sets[0], type, reference, layer.name + (" cudnn " + plan->name())) && time < library) {
          library = time;
          library_name = plan->name();
        }
        failures = before;  // a library's rounding is reported, not ours to answer for
      }
    }
    std::printf("  %-20s x%d  %8.1f %-11s %8.1f %-12s %7.1f  %3.0f %%\n", layer.name, layer.count, ours * 1e6,
                ours_name.c_str(), library < 1 ? library * 1e6 : 0.0, library_name.c_str(), floor * 1e6,
                100 * floor / std::min(ours, library));
    std::fflush(stdout);
    char extra[128];
    std::snprintf(extra, sizeof extra, ", \"count\": %d, \"cudnn\": \"%s\", \"cudnn_us\": %.3f", layer.count,
                  library_name.c_str(), library < 1 ? library * 1e6 : 0.0);
    record("conv", layer.name, name(type), batch, ours_name, ours, floor, extra);
    ours_total += ours * layer.count;
    cudnn_total += library * layer.count;
    best_total += std::min(ours, library) * layer.count;
    floor_total += floor * layer.count;
  }
  std::printf(
      "  all 52: ours %.0f us (%.0f img/s), cuDNN %.0f us, best of both %.0f us (%.0f img/s), "
      "floor %.0f us\n",
      ours_total * 1e6, batch / ours_total, cudnn_total < 1 ? cudnn_total * 1e6 : 0.0, best_total * 1e6,
      batch / best_total, floor_total * 1e6);
}

BenchType type_of(StemCompute compute) {
  switch (compute) {
    case StemCompute::kInt8: return BenchType::kInt8;
    case StemCompute::kFp8: return BenchType::kFp8;
    case StemCompute::kFp16: return BenchType::kFp16;
    case StemCompute::kBf16: return BenchType::kBf16;
    case StemCompute::kTf32: return BenchType::kTf32;
  }
  return BenchType::kFp16;
}

struct StemCase {
  int batch, size, channels, outputs, kernel, stride, pad, dilation;
};

void run_stem(const StemCase& c, StemCompute compute, bool bytes, bool timed) {
  const BenchType type = type_of(compute);
  StemParams p;
  p.compute = compute;
  p.bytes = bytes;
  ConvParams& v = p.conv;
  v.batch = c.batch;
  v.height = c.size;
  v.width = c.size + (timed ? 0 : 3);
  v.channels = v.input_pitch = c.channels;
  v.outputs = v.output_pitch = c.outputs;
  v.kernel_height = v.kernel_width = c.kernel;
  v.stride_height = v.stride_width = c.stride;
  v.pad_top = v.pad_left = c.pad;
  v.dilation_height = v.dilation_width = c.dilation;
  v.out_height = (v.height + 2 * c.pad - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
  v.out_width = (v.width + 2 * c.pad - (c.kernel - 1) * c.dilation - 1) / c.stride + 1;
  const bool integer = compute == StemCompute::kInt8;
  if (const char* why = stem_refusal(p, shared_limit)) {
    std::printf("stem refuses %dx%d/%d %s: %s\n", c.kernel, c.kernel, c.stride, name(type), why);
    return;
  }
  Memory memory;
  const size_t size = bytes_of(type);
  const int64_t depth = int64_t{c.kernel} * c.kernel * c.channels;
  const int64_t in_count = int64_t{c.batch} * v.height * v.width * c.channels;
  const size_t in_size = bytes ? 1 : size;
  const size_t set_bytes = in_count * in_size + output_pixels(v) * c.outputs * size;
  const int sets = timed ? static_cast<int>(std::clamp<size_t>((150UL << 20) / set_bytes, 1, 4)) : 1;
  char* weights = memory.get<char>(static_cast<size_t>(c.outputs * depth) * size);
  fill_random(weights, type, c.outputs * depth, 11);
  std::vector<char> host(static_cast<size_t>(c.outputs * depth) * size);
  MUST(cudaDeviceSynchronize());
  MUST(cudaMemcpy(host.data(), weights, host.size(), cudaMemcpyDeviceToHost));
  std::vector<char> packed(stem_weight_count(v, compute) * size);
  pack_stem_weights(v, compute, host.data(), packed.data());
  char* device_packed = memory.get<char>(packed.size());
  MUST(cudaMemcpy(device_packed, packed.data(), packed.size(), cudaMemcpyHostToDevice));
  float* scale = memory.get<float>(c.outputs * 4);
  float* bias = memory.get<float>(c.outputs * 4);
  const float norm = (integer ? 40.0F / (73 * 60) : 1.7F) / std::sqrt(static_cast<float>(depth));
  fill_floats(scale, c.outputs, norm * 0.5F, norm * 1.5F, 2);
  fill_floats(bias, c.outputs, integer ? -20.0F : -0.5F, integer ? 20.0F : 0.5F, 3);
  v.scale = scale;
  v.bias = bias;
  v.low = 0;
  if (integer) v.high = 127;
  std::vector<StemParams> runs;
  for (int s = 0; s < sets; ++s) {
    void* input = memory.get(static_cast<size_t>(in_count) * in_size);
    const auto seed = static_cast<uint32_t>(40 + s);
    if (bytes) {
      fill_bytes(input, in_count, seed);
    } else {
      fill_random(input, type, in_count, seed);
    }
    v.input = input;
    v.output = memory.get(static_cast<size_t>(output_pixels(v) * c.outputs) * size);
    v.weights = device_packed;
    runs.push_back(p);
  }
  float* reference = memory.get<float>(static_cast<size_t>(output_pixels(v) * c.outputs) * 4);
  reference_stem(runs[0], weights, reference);
  MUST(cudaDeviceSynchronize());
  char what[128];
  std::snprintf(what, sizeof what, "stem %dx%d/%d %d-%d %s", c.kernel, c.kernel, c.stride, c.channels, c.outputs,
                bytes ? "u8" : "own type");
  if (!timed) {
    MUST(conv_stem(runs[0], the_stream));
    verify(runs[0].conv, type, reference, what);
    return;
  }
  const double floor = std::max(
      static_cast<double>(set_bytes) / ceiling.bandwidth,
      2.0 * static_cast<double>(output_pixels(v)) * c.outputs * static_cast<double>(depth) / ceiling.operations[type]);
  const double time = seconds(
      [&](int set, cudaStream_t stream) { return conv_stem(runs[static_cast<size_t>(set)], stream); }, sets, floor * 3);
  verify(runs[0].conv, type, reference, what);
  std::printf("  %-34s %s n%d %8.1f us, floor %6.1f us, %3.0f %%\n", what, name(type), c.batch, time * 1e6, floor * 1e6,
              100 * floor / time);
  record("stem", what, name(type), c.batch, "own", time, floor);
}

void check_stem() {
  const StemCase cases[] = {{2, 33, 3, 64, 7, 2, 3, 1},
                            {1, 20, 4, 32, 3, 2, 1, 1},
                            {2, 19, 3, 24, 3, 1, 1, 1},
                            {1, 40, 1, 70, 5, 1, 2, 2},
                            {1, 51, 3, 96, 11, 4, 2, 1}};
  for (const StemCase& c : cases) {
    for (const StemCompute compute :
         {StemCompute::kInt8, StemCompute::kFp8, StemCompute::kFp16, StemCompute::kBf16, StemCompute::kTf32}) {
      run_stem(c, compute, false, false);
      if (compute == StemCompute::kInt8) run_stem(c, compute, true, false);
    }
  }
}

/// Memory-bound kernels: time against bytes. Their answers are checked by the tests of the backend.
void time_small(int batch) {
  const auto run = [&](const char* what, Element type, double bytes, int sets, const Launch& launch) {
    const char* names[] = {"fp32", "fp16", "bf16", "int8", "uint8"};
    const double floor = bytes / ceiling.bandwidth;
    const double time = seconds(launch, sets, floor * 2);
    std::printf("  %-34s %s n%d %8.1f us, floor %6.1f us, %3.0f %%\n", what, names[static_cast<int>(type)], batch,
                time * 1e6, floor * 1e6, 100 * floor / time);
    record("memory", what, names[static_cast<int>(type)], batch, "own", time, floor);
  };
  std::printf("\nmemory-bound kernels\n");
  for (const Element type : {Element::kInt8, Element::kFloat16}) {
    const double size = static_cast<double>(element_bytes(type));
    const BenchType fill = type == Element::kInt8 ? BenchType::kInt8 : BenchType::kFp16;
    Memory memory;
    const int64_t large = int64_t{batch} * 112 * 112 * 64;
    char* a = memory.get<char>(static_cast<size_t>(large) * 2);
    char* b = memory.get<char>(static_cast<size_t>(large) * 2);
    char* c = memory.get<char>(static_cast<size_t>(large) * 2);
    fill_random(a, fill, large, 1);
    fill_random(b, fill, large, 2);
    PoolParams pool;
    pool.input = a;
    pool.output = b;
    pool.type = type;
    pool.batch = batch;
    pool.height = pool.width = 112;
    pool.channels = 64;
    pool.out_height = pool.out_width = 56;
    pool.kernel_height = pool.kernel_width = 3;
    pool.stride_height = pool.stride_width = 2;
    pool.pad_top = pool.pad_left = 1;
    run("max pool 3x3/2 112x112x64", type, size * 1.25 * static_cast<double>(large), 1,
        [=](int, cudaStream_t stream) { return max_pool(pool, stream); });
    AddParams sum;
    sum.a = a;
    sum.b = b;
    sum.output = c;
    sum.type = type;
    sum.count = large;
    sum.low = 0;
    run("add + relu 112x112x64", type, size * 3 * static_cast<double>(large), 1,
        [=](int, cudaStream_t stream) { return add(sum, stream); });
    PoolParams global = pool;
    global.height = global.width = 7;
    global.channels = 2048;
    const int64_t small = int64_t{batch} * 49 * 2048;
    const int sets = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(16, large / small)));
    run("global average 7x7x2048", type, size * static_cast<double>(small), sets, [=](int set, cudaStream_t stream) {
      PoolParams p = global;
      p.input = a + set * small * static_cast<int64_t>(size);
      return global_average_pool(p, stream);
    });
    ConvParams dw;
    dw.batch = batch;
    dw.height = dw.width = dw.out_height = dw.out_width = 112;
    dw.channels = dw.outputs = dw.input_pitch = dw.output_pitch = 64;
    dw.kernel_height = dw.kernel_width = 3;
    dw.pad_top = dw.pad_left = 1;
    dw.input = a;
    dw.weights = b;
    dw.output = c;
    dw.low = 0;
    dw.high = 127;
    run("depthwise 3x3 112x112x64", type, size * 2 * static_cast<double>(large), 1,
        [=](int, cudaStream_t stream) { return depthwise(dw, type, type, stream); });
    TransposeParams to_nhwc;
    float* image = memory.get<float>(static_cast<size_t>(batch) * 3 * 224 * 224 * 4);
    fill_floats(image, int64_t{batch} * 3 * 224 * 224, -1, 1, 4);
    to_nhwc.input = image;
    to_nhwc.output = c;
    to_nhwc.to = type;
    to_nhwc.batch = batch;
    to_nhwc.rows = 3;
    to_nhwc.columns = 224 * 224;
    to_nhwc.scale = 100;
    run("f32 nchw to nhwc 3x224x224", type, (4 + size) * batch * 3.0 * 224 * 224, 1,
        [=](int, cudaStream_t stream) { return transpose_batched(to_nhwc, stream); });
  }
}

void measure_copy() {
  const size_t bytes = 2UL << 30;
  Memory memory;
  char* from = memory.get<char>(bytes);
  char* to = memory.get<char>(bytes);
  fill_floats(reinterpret_cast<float*>(from), static_cast<int64_t>(bytes / 4), -1, 1, 1);
  const double time = seconds(
      [=](int, cudaStream_t stream) {
        AddParams copy;  // a copy by a kernel: the copy engine reaches less
        copy.a = from;
        copy.b = nullptr;
        copy.output = to;
        copy.count = static_cast<int64_t>(bytes / 4);
        return add(copy, stream);
      },
      1, 1e-3);
  ceiling.bandwidth = 2.0 * static_cast<double>(bytes) / time;
  std::printf("copy %.2f TB/s read plus write\n", ceiling.bandwidth * 1e-12);
}

}  // namespace

int main(int argc, char** argv) {
  int batch = 128;
  bool check_only = false;
  std::string types = "int8,fp16,tf32";
  const char* json = nullptr;
  std::string command = "tools/gpu_bench";
  for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--batch" && i + 1 < argc) batch = std::atoi(argv[++i]);
    else if (arg == "--types" && i + 1 < argc) types = argv[++i];
    else if (arg == "--json" && i + 1 < argc) json = argv[++i];
    else if (arg == "--check") check_only = true;
    else {
      std::fprintf(stderr, "usage: %s [--batch N] [--types int8,fp16,...] [--json FILE] [--check]\n", argv[0]);
      return 2;
    }
  }
  cudaDeviceProp device{};
  MUST(cudaGetDeviceProperties(&device, 0));
  shared_limit = device.sharedMemPerBlockOptin;
  MUST(cudaStreamCreateWithFlags(&the_stream, cudaStreamNonBlocking));
  std::printf("%s, %d multiprocessors, L2 %d MB\n", device.name, device.multiProcessorCount, device.l2CacheSize >> 20);

  const BenchType all[] = {BenchType::kInt8, BenchType::kUint8, BenchType::kFp8,
                           BenchType::kFp16, BenchType::kBf16,  BenchType::kTf32};
  for (const BenchType type : all) {
    check_gemm(type);
    check_pointwise(type);
  }
  check_stem();
  std::printf("checks done, %d wrong\n", failures);
  std::fflush(stdout);
  if (!check_only) {
    measure_copy();
    cudnnHandle_t cudnn = nullptr;
    const bool with_cudnn = cudnn_library().create(&cudnn) == CUDNN_STATUS_SUCCESS;
    std::printf("\nstem\n");
    for (const StemCompute compute : {StemCompute::kInt8, StemCompute::kFp16, StemCompute::kTf32}) {
      run_stem({batch, 224, 3, 64, 7, 2, 3, 1}, compute, false, true);
      if (compute == StemCompute::kInt8) run_stem({batch, 224, 3, 64, 7, 2, 3, 1}, compute, true, true);
    }
    run_stem({batch, 224, 4, 64, 7, 2, 3, 1}, StemCompute::kInt8, false, true);
    run_stem({batch, 224, 3, 32, 3, 2, 1, 1}, StemCompute::kInt8, true, true);
    time_small(batch);
    for (const BenchType type : all) {
      if (("," + types + ",").find(std::string(",") + name(type) + ",") == std::string::npos) continue;
      time_resnet(cudnn, type, batch, with_cudnn && type != BenchType::kUint8 && type != BenchType::kFp8);
    }
    if (with_cudnn) cudnn_library().destroy(cudnn);
  }
  if (json != nullptr) {
    std::FILE* file = std::fopen(json, "w");
    if (file == nullptr) {
      std::perror(json);
      return 5;
    }
    int driver = 0;
    int runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    const std::time_t now = std::time(nullptr);
    char date[32];
    std::strftime(date, sizeof date, "%F", std::gmtime(&now));
    std::fprintf(file,
                 "{\"date\": \"%s\", \"device\": \"%s\", \"driver_supports_cuda\": \"%d.%d\", "
                 "\"cuda\": \"%d.%d\", \"cudnn\": \"%zu\",\n \"command\": \"%s\", "
                 "\"copy_bytes_per_s\": %.4g, \"wrong\": %d, \"rows\": [\n%s\n]}\n",
                 date, device.name, driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10,
                 cudnn_library().get_version(), command.c_str(), ceiling.bandwidth, failures, json_rows.c_str());
    std::fclose(file);
  }
  std::printf("%d wrong\n", failures);
  return failures == 0 ? 0 : 1;
}
