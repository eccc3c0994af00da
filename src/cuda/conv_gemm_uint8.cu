#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_uint8() { return conv_gemm_table<uint8_t, int8_t>(); }

std::span<const ConvGemmConfig> conv_gemm_uint8_to_fp32() {
  static constexpr ConvGemmConfig kTable[] = {
      conv_gemm_config<uint8_t, float, GemmTile<128, 128, 64, 64, 4, 2>>("128x128"),
      conv_gemm_config<uint8_t, float, GemmTile<64, 64, 32, 32, 6, 3>>("64x64"),
      conv_gemm_config<uint8_t, float, GemmTile<32, 64, 32, 16, 6, 4>>("32x64"),
  };
  return kTable;
}

}  // namespace halftone::cuda
