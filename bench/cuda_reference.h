#pragma once
#include <cstdint>

#include "cuda/conv_params.h"
#include "cuda/conv_stem.h"

/// Plain device-side references and random data for the kernel benchmark.
namespace halftone::cuda {

enum class BenchType { kInt8, kUint8, kFp8, kFp16, kBf16, kTf32 };

const char* name(BenchType type);
size_t bytes_of(BenchType type);

/// Fills `count` values with noise: integers over their whole range, floats in -1 .. 1.
void fill_random(void* data, BenchType type, int64_t count, uint32_t seed);
void fill_bytes(void* data, int64_t count, uint32_t seed);
void fill_floats(float* data, int64_t count, float low, float high, uint32_t seed);

/// What ConvParams mean, one output a thread, summed in double; `output` of `p` is ignored.
void reference_conv(const ConvParams& p, BenchType type, float* output);
void reference_stem(const StemParams& p, const void* ohwi_weights, float* output);

/// How far results are from the reference. `off` counts integers that differ by more than one.
struct Difference {
  double relative = 0;  ///< norm of the difference over the reference's norm; NaN if any value is
  int64_t off_by_one = 0;
  int64_t off = 0;
};

/// `pitch` is the distance between the results' pixels.
Difference compare(const void* output, BenchType type, const float* reference, int64_t pixels, int channels, int pitch);

}  // namespace halftone::cuda
