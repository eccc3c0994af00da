#include "cuda/conv_gemm_table.cuh"

namespace halftone::cuda {

std::span<const ConvGemmConfig> conv_gemm_fp8() { return conv_gemm_table<__nv_fp8_e4m3, __nv_fp8_e4m3>(); }

std::span<const ConvGemmConfig> conv_gemm_fp8_to_fp32() {
  static constexpr ConvGemmConfig kTable[] = {
      conv_gemm_config<__nv_fp8_e4m3, float, GemmTile<128, 128, 64, 64, 4, 2>>("128x128"),
      conv_gemm_config<__nv_fp8_e4m3, float, GemmTile<64, 64, 32, 32, 6, 3>>("64x64"),
      conv_gemm_config<__nv_fp8_e4m3, float, GemmTile<32, 64, 32, 16, 6, 4>>("32x64"),
  };
  return kTable;
}

}  // namespace halftone::cuda
