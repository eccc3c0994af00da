#include <gtest/gtest.h>

#include "cuda/conv_gemm.h"
#include "cuda/conv_pointwise.h"
#include "cuda/conv_stem.h"
#include "cuda/cuda_device.h"

// What cards older than the one at hand can run, as far as it shows without them. Needs no device.
namespace halftone::cuda {
namespace {

constexpr int kStatic = 1 << 10;  // static shared memory beside a tile's, and what the system takes
constexpr int kTuring = 64 << 10, kAda = 99 << 10;

TEST(cuda_older_cards, every_tile_fits_shared_memory) {
  for (const auto& table :
       {conv_gemm_int8(), conv_gemm_uint8(), conv_gemm_int8_to_fp32(), conv_gemm_uint8_to_fp32(), conv_gemm_fp16(),
        conv_gemm_bf16(), conv_gemm_fp8(), conv_gemm_fp8_to_fp32(), conv_gemm_tf32(), conv_gemm_int8_to_fp16(),
        conv_gemm_int8_to_bf16(), conv_gemm_fp8_to_fp16(), conv_gemm_fp8_to_bf16(), conv_gemm_fp16_to_int8(),
        conv_gemm_fp16_to_fp8(), conv_gemm_bf16_to_int8(), conv_gemm_bf16_to_fp8()}) {
    ASSERT_FALSE(table.empty());
    for (const auto& config : table) {
      EXPECT_LE(config.shared_bytes(75), kTuring - kStatic) << config.name;
      EXPECT_LE(config.shared_bytes(86), kAda - kStatic) << config.name;
    }
  }
}

TEST(cuda_older_cards, narrow_layers_have_a_streaming_tile) {
  ConvParams p;
  p.channels = p.input_pitch = 64;
  p.outputs = p.output_pitch = 256;
  p.residual = &p;
  for (const auto& table : {conv_pointwise_int8(), conv_pointwise_fp16(), conv_pointwise_bf16(), conv_pointwise_fp8()})
    EXPECT_TRUE(std::any_of(table.begin(), table.end(),
                            [&](const auto& config) { return config.shared_bytes(p) <= std::size_t{kAda}; }));
}

TEST(cuda_older_cards, first_layers_fit_and_large_ones_are_refused) {
  StemParams p;
  p.conv.channels = p.conv.input_pitch = 3;
  p.conv.outputs = p.conv.output_pitch = 64;
  p.conv.kernel_height = p.conv.kernel_width = 7;
  p.conv.stride_height = p.conv.stride_width = 2;
  EXPECT_EQ(stem_refusal(p, kTuring), nullptr);
  p.compute = StemCompute::kInt8;
  EXPECT_EQ(stem_refusal(p, kTuring), nullptr);
  p.compute = StemCompute::kTf32;
  EXPECT_NE(stem_refusal(p, kTuring), nullptr);
  EXPECT_EQ(stem_refusal(p, kAda), nullptr);
}

TEST(cuda_older_cards, capabilities_read_as_people_write_them) {
  EXPECT_EQ(capability_text(75), "7.5");
  EXPECT_EQ(capability_text(120), "12.0");
}

}  // namespace
}  // namespace halftone::cuda
