#include "tests/unit/graph/evaluate_line.h"

namespace halftone {
namespace {

/// Lines that read well and mean nothing, or too much: each is refused with a reason, none allocates or loops for it.
class Refused : public testing::TestWithParam<const char*> {};

TEST_P(Refused, WithAReason) {
  try {
    const auto problem = Problem::parse(GetParam());
    FAIL() << "accepted as " << problem.output().text();
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == Code::invalid_model || error.code() == Code::unsupported ||
                error.code() == Code::resource_exhausted)
        << error.what();
    EXPECT_STRNE(error.what(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Lines, Refused,
    testing::Values(
        "Conv f32:1x3x8x8 f32:4x3x3x3 strides=0*2", "Conv f32:1x3x8x8 f32:4x3x3x3 strides=-1*2",
        "Conv f32:1x3x8x8 f32:4x3x3x3 pads=-1*4", "Conv f32:1x3x2x2 f32:4x3x3x3",
        "Conv f32:1x3x8x8 f32:4x3x3x3 dilations=0*2", "Conv f32:1x3x8x8 f32:4x3x3x3 dilations=9223372036854775807*2",
        "Conv f32:1x3x8x8 f32:4x3x3x3 group=0", "Conv f32:1x3x8x8 f32:4x3x3x3 group=2", "Conv f32:1x3x8x8 f32:4x2x3x3",
        "Conv f32:1x3x8x8 f32:4x3x3", "Conv f32:1x3x8x8 f32:4x3x3x3 f32:5", "Conv f32:1x3x8x8 f16:4x3x3x3",
        "Conv i32:1x3x8x8 i32:4x3x3x3", "Conv f32:1x3x8x8 f32:4x3x3x3 kernel_shape=5*2",
        "Conv f32:1x3x8x8 f32:4x3x3x3 auto_pad=SOME", "Conv f32:1x3x8x8 f32:4x3x0x3",
        "Conv f32:1x3x8x8 f32:4x3x3x3 pads=1,2,3", "Conv f32:1x3 f32:4x3", "Conv f32:1x1x2x2x2x2 f32:1x1x1x1x1x1",
        "Conv f32:1x1x8x8 f32:1x1x1x1 pads=1000000000*4", "ConvTranspose f32:1x3x4x4 f32:4x3x3x3",
        "ConvTranspose f32:1x3x4x4 f32:3x4x3x3 strides=0*2", "ConvTranspose f32:1x3x4x4 f32:3x4x3x3 pads=9*4",
        "ConvTranspose f32:1x3x4x4 f32:3x4x3x3 strides=1000000000*2", "MaxPool f32:1x3x8x8",
        "MaxPool f32:1x3x8x8 kernel_shape=9*2", "MaxPool f32:1x3x8x8 kernel_shape=0*2",
        "MaxPool f32:1x3x8x8 kernel_shape=2,2,2", "MaxPool f32:1x3 kernel_shape=1",
        "MaxPool f32:1x3x8x8 kernel_shape=4000000000*2", "MaxPool i32:1x3x8x8 kernel_shape=2*2",
        "MaxPool f32:1x8x8x3 kernel_shape=2*2 layout=NHWC outputs=2",
        "MaxPool f32:1x8x8x3 kernel_shape=2*2 layout=CHWN", "AveragePool f32:1x3x8x8 kernel_shape=2*2 strides=0*2",
        "LpPool f32:1x3x8x8 kernel_shape=2*2 p=0", "GlobalAveragePool i8:1x3x8x8", "GlobalMaxPool f32:3",
        "LRN f32:1x3x8x8", "LRN f32:1x3x8x8 size=0", "BatchNormalization f32:1x3x8x8 f32:3 f32:3 f32:3 f32:4",
        "BatchNormalization f32:1x3x8x8 f32:3 f32:3 f32:3 f32:3 training_mode=1", "Gemm f32:2x3 f32:4x5",
        "Gemm f32:2x3 f32:3x5 f32:2x5x1", "Gemm f32:2x3 f32:3x5 f32:3", "Gemm f32:2 f32:2x5", "MatMul f32:2x3 f32:2x3",
        "MatMul f32: f32:3", "MatMul f32:2x2x3 f32:3x3x4", "MatMul f32:2x3 f64:3x4", "QuantizeLinear f32:3x4 f32:3",
        "QuantizeLinear f32:3x4 f32:4 u8:3", "QuantizeLinear f32:3x4 i32:", "QuantizeLinear f32:3x4 f32: block_size=2",
        "QuantizeLinear f32:3x4 f32:4 axis=2", "DequantizeLinear f32:3 f32:", "DequantizeLinear u8:3 f32: i8:",
        "Resize f32:1x1x4x4", "Resize f32:1x1x4x4 scales=1.0,1.0,0.0,2.0", "Resize f32:1x1x4x4 scales=1.0,1.0,-1.0,2.0",
        "Resize f32:1x1x4x4 scales=2.0,2.0", "Resize f32:1x1x4x4 sizes=1,1,-3,4",
        "Resize f32:1x1x4x4 scales=1.0,1.0,1e30,1e30", "Resize f32:1x1x4x4 scales=1.0,1.0,1e9,1e9",
        "Resize f32:1x1x4x4 mode=best sizes=1,1,2,2", "Resize f32:1x1x4x4 axes=2,2 sizes=3,3",
        "Resize f32:1x1x0x4 sizes=1,1,2,2", "Resize bool:1x1x4x4 mode=linear sizes=1,1,2,2",
        "Resize f32:1x1x4x4 coordinate_transformation_mode=tf_crop_and_resize sizes=1,1,2,2",
        "LpNormalization f32:3 p=3", "GroupNormalization f32:1x6x2 f32:6 f32:6 num_groups=4",
        "GroupNormalization f32:1x6x2 f32:6 f32:6", "LayerNormalization f32:2x3 f32:2",
        "LayerNormalization f32:2x3 f32:3 axis=5", "MeanVarianceNormalization f32:2x3",
        "InstanceNormalization f32:1x3x4 f32:3 f32:2"));

TEST(Absurd, ButBoundedWork) {
  // A kernel of 10^9 over an input that padding makes as large: only taps inside the input are visited.
  const auto y = evaluate_line("MaxPool f32:1x1x2x2 kernel_shape=1000000000*2 pads=500000000*4 strides=1000000*2",
                               {f32({1, 1, 2, 2}, counting(4))});
  expect_values(y[0], {4});
  expect_values(evaluate_line("LRN f32:1x2x1x1 alpha=1.0 size=4611686018427387904", {f32({1, 2, 1, 1}, {1, 2})})[0],
                {1, 2}, 1e-6);
}

}  // namespace
}  // namespace halftone
