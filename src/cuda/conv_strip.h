#pragma once
#include <span>
#include <string_view>

#include "cuda/conv_params.h"

/// 3x3 convolutions of stride 1 over few channels, for devices of compute capability 9.0 alone: a strip of lines with
/// its border comes to shared memory once, and the nine taps are products of the same pixels from nine starts. Gathered
/// products fetch every pixel nine times, which the second-level cache cannot deliver as fast as they are multiplied.
namespace halftone::cuda {

/// How lines make a strip: `lines` of `pitch` pixels, both borders among them, are cut into tiles of 64 pixels.
struct StripPlan {
  int lines = 1;
  int pitch = 1;
  int tiles = 1;
  int strips_down = 1;
  int strip_bytes = 0;  ///< in shared memory
  int padded_outputs = 64;
};

struct ConvStripConfig {
  std::string_view name;
  int columns;     ///< output channels of a block
  int slab_bytes;  ///< of a pixel: all its channels
  int buffers;     ///< of a warpgroup
  int vector;      ///< as of ConvWgmmaConfig
  cudaError_t (*launch)(const ConvParams&, cudaStream_t);
};

/// Input, weights, residual and output of one type; s8 may add u8 and leave u8. Weights as pack_wgmma_weights lays
/// them.
std::span<const ConvStripConfig> conv_strip_fp8();
std::span<const ConvStripConfig> conv_strip_int8();
std::span<const ConvStripConfig> conv_strip_fp16();
std::span<const ConvStripConfig> conv_strip_bf16();

/// Shared memory that the kernels have beside what a plan counts.
constexpr int kStripStaticBytes = 2048;

/// The strips that move the fewest bytes in shared memory; `lines` is 0 where not even one fits.
StripPlan plan_strips(const ConvParams& p, const ConvStripConfig& config, int shared_limit);

/// Null where some config takes the windows, else why not.
const char* strip_refuses(const ConvParams& p, int element_bytes);

}  // namespace halftone::cuda
