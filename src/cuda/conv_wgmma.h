#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cuda/conv_params.h"

/// Convolution as a gathered matrix product with Hopper's own means: the tensor copy engine brings pixels and weights
/// to shared memory, warpgroups multiply them there. For devices of compute capability 9.0 alone; groups = 1.
namespace halftone::cuda {

/// How a convolution's inner dimension lies in memory: taps, cut into slabs of `slab_bytes` channels each (the last of
/// a tap is filled up with zeros).
struct WgmmaDepth {
  int slab_bytes = 128;
  int slabs_per_tap = 1;
  int slabs = 1;
};
WgmmaDepth wgmma_depth(const ConvParams& p, int element_bytes);

/// Weights as the kernel copies them: slab by slab, in each `padded_outputs` rows of its bytes, swizzled; rows are the
/// output channels in the order in which threads own them (ColumnOrder), with `vector` neighbours each.
std::vector<std::byte> pack_wgmma_weights(const void* weights, const ConvParams& p, int element_bytes, int vector,
                                          int padded_outputs);

/// One compiled tile. `launch` takes weights packed for `vector` with outputs padded to a multiple of `columns`;
/// outputs and their pitch are multiples of `vector`.
struct ConvWgmmaConfig {
  std::string_view name;
  int rows;
  int columns;
  int blocks;  ///< of one multiprocessor
  int vector;
  int stage_bytes;  ///< of the inner dimension: no fewer than a slab has
  int most_depth;   ///< bytes of the inner dimension it may sum
  bool adds;        ///< takes residuals
  cudaError_t (*launch)(const ConvParams&, cudaStream_t);
};

/// Input, weights, residual and output of one type; s8 may add u8 and leave u8. Those to another type add their
/// input's.
std::span<const ConvWgmmaConfig> conv_wgmma_fp8();
std::span<const ConvWgmmaConfig> conv_wgmma_fp8_to_fp32();
std::span<const ConvWgmmaConfig> conv_wgmma_fp8_to_fp16();
std::span<const ConvWgmmaConfig> conv_wgmma_fp8_to_bf16();
std::span<const ConvWgmmaConfig> conv_wgmma_int8();
std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_fp32();
std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_fp16();
std::span<const ConvWgmmaConfig> conv_wgmma_int8_to_bf16();
std::span<const ConvWgmmaConfig> conv_wgmma_fp16();
std::span<const ConvWgmmaConfig> conv_wgmma_fp16_to_fp8();
std::span<const ConvWgmmaConfig> conv_wgmma_fp16_to_int8();
std::span<const ConvWgmmaConfig> conv_wgmma_bf16();
std::span<const ConvWgmmaConfig> conv_wgmma_bf16_to_fp8();
std::span<const ConvWgmmaConfig> conv_wgmma_bf16_to_int8();

/// Why no tile takes these pixels and windows, or nullptr: the copy engine counts strides and taps with few bits.
const char* wgmma_refuses(const ConvParams& p, int element_bytes);

}  // namespace halftone::cuda
