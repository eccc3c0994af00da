#include "tests/unit/cpu/trial.h"

namespace halftone {
namespace {

TEST(operators, pooling) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "MaxPool f32:2x13x11x5 kernel_shape=3*2 strides=2*2 pads=1*4 layout=NHWC",
           "MaxPool u8:1x112x112x64 kernel_shape=3*2 strides=2*2 pads=1*4 layout=NHWC",
           "MaxPool i8:2x13x11x5 kernel_shape=3*2 strides=2*2 ceil_mode=1 layout=NHWC",
           "MaxPool bf16:2x13x11x40 kernel_shape=2*2 strides=2*2 ceil_mode=1 layout=NHWC",
           "MaxPool f32:1x5x14x14 kernel_shape=3*2 strides=2*2",
           "AveragePool f32:2x13x11x5 kernel_shape=3*2 pads=1*4 layout=NHWC",
           "AveragePool f32:2x13x11x5 kernel_shape=3*2 pads=1*4 count_include_pad=1 layout=NHWC",
           "AveragePool bf16:2x13x11x5 kernel_shape=3*2 strides=2*2 ceil_mode=1 layout=NHWC",
           "GlobalAveragePool f32:3x7x7x70 layout=NHWC",
           "GlobalAveragePool bf16:3x7x7x70 layout=NHWC",
           "GlobalMaxPool f32:3x7x7x70 layout=NHWC",
       })
    trial::check_all(*backend, line);
}

TEST(operators, normalisation) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "LRN f32:1x14x14x64 size=5 alpha=0.0001 beta=0.75 bias=1.0 layout=NHWC",
           "LRN f32:2x7x9x20 size=5 alpha=0.001 beta=0.75 bias=2.0 layout=NHWC",
           "Softmax f32:4x1000 axis=1",
           "Softmax bf16:4x77 axis=-1",
           "Softmax f32:3x5x7 axis=1",
           "LogSoftmax f32:4x1000",
           "ReduceMean f32:2x7x7x64 axes=1,2 keepdims=0",
           "ReduceMax f32:2x7x9 axes=1,",
       })
    trial::check_all(*backend, line);
}

TEST(operators, elementwise) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "Relu f32:2x3x5x7",
           "Relu bf16:2x3x5x7",
           "LeakyRelu f32:100 alpha=0.1",
           "Clip f32:3x1111 min=0.0 max=6.0",
           "Sigmoid f32:3x1111",
           "Tanh f32:3x1111",
           "HardSwish f32:3x1111",
           "Gelu f32:3x1111",
           "Elu f32:3x1111",
           "Exp f32:3x1111",
           "Add f32:2x5x7x33 f32:2x5x7x33",
           "Add bf16:2x5x7x33 bf16:2x5x7x33",
           "Mul f32:2x5x7x33 f32:2x1x1x33",
           "Mul f32:2x5x7x33 f32:33",
           "Sub f32:2x5x7x33 f32:",
           "Div f32:2x5x7x33 f32:2x5x7x33",
           "Max f32:2x5x7x33 f32:2x5x7x33",
       })
    trial::check_all(*backend, line);
}

TEST(operators, conversions) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "QuantizeLinear f32:2x5x7x33 f32:! u8:!",
           "QuantizeLinear f32:2x5x7x33 f32:! i8:!",
           "QuantizeLinear bf16:2x5x7x33 f32:33! i8:33! axis=3",
           "QuantizeLinear f32:4x3x5x5 f32:4! i8:4! axis=0",
           "DequantizeLinear u8:2x5x7x33 f32:! u8:!",
           "DequantizeLinear i8:2x5x7x33 f32:5! i8:5! axis=1",
           "Cast f32:5x777 to=bf16",
           "Cast f16:5x777 to=f32",
           "Cast bf16:5x777 to=f16",
       })
    trial::check_all(*backend, line);
}

TEST(operators, moves) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "Reshape f32:2x3x4x5 shape=6,20",
           "Flatten u8:2x3x4x5",
           "Transpose f32:2x3x24x25 perm=0,2,3,1",
           "Transpose u8:2x24x25x7 perm=0,3,1,2",
           "Transpose bf16:4x6x10 perm=1,0,2",
           "Transpose f32:4x6x10x3 perm=2,1,0,3",
           "Transpose f32:33x65",
           "Concat f32:2x5x5x8 f32:2x5x5x24 f32:2x5x5x3 axis=3",
           "Concat u8:2x5x5x8 u8:2x4x5x8 axis=1",
           "Split f32:2x6x5x8 axis=3 split=3,5 outputs=2",
           "Slice bf16:2x6x5x8 starts=1,2 ends=6,8 axes=1,3 steps=2,1",
           "Pad f32:2x6x5x8 pads=0,1,2,0,0,3,1,0",
           "Pad i8:2x6x5x8 pads=0,1,2,0,0,3,1,0 constant_value=3",
           "Pad f32:2x6x5x8 pads=0,1,2,0,0,3,1,0 mode=reflect",
           "Expand f32:2x1x5 shape=2,3,5",
       })
    trial::check_all(*backend, line);
}

TEST(operators, repeated_operands) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "Add f32:5x1x7 f32:1x3x1",
           "Sub f16:2x5x7x33 f16:5x1x33",
           "Mul f32: f32:4x5",
           "PRelu f32:2x5x5x9 f32:9!",
           "Relu f16:2x3x5x7",
           "Softplus f32:333",
           "Mish f32:333",
       })
    trial::check_all(*backend, line);
}

}  // namespace
}  // namespace halftone
