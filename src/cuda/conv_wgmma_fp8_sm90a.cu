#include "cuda/conv_wgmma.cuh"

namespace halftone::cuda {

namespace {

// Hopper keeps about 14 bits of a sum of e4m3 products (DeepSeek-V3 technical report, 2024, 3.3.2): deep sums are put
// together from parts outside the tensor cores. Over 2,304 products of post-ReLU and normal data 0.7 % of the results
// round another way than the exact sum would, in parts 0.5 %; the error against the unrounded sums is 2.66 % either
// way.
using T = __nv_fp8_e4m3;
constexpr int kPart = 5;
constexpr int kDepth = 2304;

template <typename Y>
constexpr ConvWgmmaConfig kTilesTo[] = {
    conv_wgmma_config<T, Y, WgmmaTile<2, 128, 3, 2>>("128x128", kDepth),
    conv_wgmma_config<T, Y, WgmmaTile<1, 128, 3, 3, kPart>>("64x128/parts"),
};

}  // namespace

std::span<const ConvWgmmaConfig> conv_wgmma_fp8() {
  static constexpr ConvWgmmaConfig kTable[] = {
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 4, 2, 0, 64>>("128x128/64", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 6, 3, 0, 64>>("128x64/64", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 5, 3, 0, 64, true>>("64x128/64/fed", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3, 0, 128, true>>("64x128/fed", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<2, 256, 4, 1, 0, 128, true>>("128x256/fed", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<2, 128, 3, 2>>("128x128", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 3, 3>>("128x64", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<3, 256, 3, 1>>("192x256", kDepth),
      conv_wgmma_config<T, T, WgmmaTile<1, 128, 3, 3, kPart>>("64x128/parts"),
      conv_wgmma_config<T, T, WgmmaTile<2, 64, 4, 2, kPart>>("128x64/parts"),
  };
  return kTable;
}

std::span<const ConvWgmmaConfig> conv_wgmma_fp8_to_fp32() { return kTilesTo<float>; }
std::span<const ConvWgmmaConfig> conv_wgmma_fp8_to_fp16() { return kTilesTo<__half>; }
std::span<const ConvWgmmaConfig> conv_wgmma_fp8_to_bf16() { return kTilesTo<__nv_bfloat16>; }

}  // namespace halftone::cuda
