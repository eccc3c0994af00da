#include "tests/unit/cpu/trial.h"

namespace halftone {
namespace {

TEST(conv, float_forms) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "FusedConv f32:1x14x14x32 f32:48x1x1x32! f32:48! act=relu",
           "FusedConv f32:2x13x11x5 f32:7x3x3x5! f32:7! f32:2x13x11x7 act=relu pads=1",
           "FusedConv f32:2x13x11x5 f32:7x3x3x5! _ f32:2x13x11x7 act=silu pads=1",
           "FusedConv f32:1x23x21x3 f32:64x7x7x3! f32:64! act=relu pads=3 strides=2",
           "FusedConv f32:1x15x15x24 f32:24x3x3x1! f32:24! act=clip alpha=0.0 beta=6.0 group=24 pads=1 strides=2",
           "FusedConv f32:1x15x15x24 f32:36x3x3x8! f32:36! act=hard_swish group=3 pads=1 dilations=2",
           "FusedConv f32:3x1x1x70 f32:10x1x1x70! f32:10!",
           "FusedConv f32:2x6x6x16 f32:40x6x6x16! f32:40! act=leaky_relu alpha=0.1",
           "FusedConv f32:1x9x9x16 f32:16x3x3x16! act=hard_sigmoid alpha=0.2 beta=0.5 pads=0,1,2,1",
           "FusedConv f32:1x9x9x16 f32:16x1x1x16! act=elu alpha=1.0 strides=2",
       })
    trial::check_all(*backend, line);
}

TEST(conv, eight_bit_forms) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "FusedConv u8:1x14x14x32 i8:48x1x1x32! f32:48! _ f32:48! f32:6! act=relu to=u8",
           "FusedConv u8:2x13x11x5 i8:7x3x3x5! f32:7! u8:2x13x11x7 f32:7! f32:6! act=relu pads=1 to=u8",
           "FusedConv u8:2x13x11x5 i8:7x3x3x5! _ u8:2x13x11x7 f32:7! f32:6! act=none pads=1 to=i8",
           "FusedConv u8:1x8x8x32 i8:32x1x1x32! f32:32! i8:1x8x8x32 f32:32! f32:6! act=relu to=u8",
           "FusedConv u8:1x8x8x32 i8:32x1x1x32! f32:32! f32:1x8x8x32 f32:32! f32:6! act=relu to=u8",
           "FusedConv u8:1x8x8x32 i8:32x1x1x32! f32:32! f32:1x8x8x32 f32:32! f32:6! act=silu to=f32",
           "FusedConv i8:1x9x9x64 i8:32x3x3x64! f32:32! _ f32:32! f32:6! pads=1 to=i8",
           "FusedConv i8:1x23x21x3 i8:64x7x7x3! f32:64! _ f32:64! f32:6! act=relu pads=3 strides=2 to=u8",
           "FusedConv u8:1x15x15x24 i8:24x3x3x1! f32:24! _ f32:24! f32:6! act=clip alpha=0.0 beta=6.0 group=24 pads=1 "
           "to=u8",
           "FusedConv u8:1x15x15x24 i8:36x3x3x8! f32:36! _ f32:36! f32:6! act=hard_swish group=3 pads=1 to=u8",
           "FusedConv u8:3x1x1x70 i8:10x1x1x70! f32:10! _ f32:10! f32:6!",
       })
    trial::check_all(*backend, line);
}

TEST(conv, bfloat_forms) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "FusedConv bf16:1x14x14x32 bf16:48x1x1x32! f32:48! act=relu",
           "FusedConv bf16:2x13x11x5 bf16:7x3x3x5! f32:7! bf16:2x13x11x7 act=relu pads=1",
           "FusedConv bf16:2x13x11x5 bf16:7x3x3x5! f32:7! f32:2x13x11x7 act=relu pads=1 to=f32",
           "FusedConv bf16:1x7x11x70 bf16:3x1x1x70! f32:3! f32:1x7x11x3 act=hard_swish",
           "FusedConv bf16:1x23x21x3 bf16:64x7x7x3! f32:64! act=relu pads=3 strides=2",
           "FusedConv bf16:1x15x15x24 bf16:24x3x3x1! f32:24! act=relu group=24 pads=1",
           "FusedConv bf16:3x1x1x70 bf16:10x1x1x70! f32:10! to=f32",
       })
    trial::check_all(*backend, line);
}

TEST(conv, types_without_arithmetic) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "FusedConv f16:1x14x14x32 f16:48x1x1x32! f32:48! act=relu",
           "FusedConv f16:2x13x11x5 f16:7x3x3x5! f32:7! f16:2x13x11x7 act=tanh pads=1",
           "FusedConv f32:2x13x11x5 f32:7x3x3x5! f32:7! u8:2x13x11x7 _ f32:6! act=relu pads=1 to=u8",
           "FusedConv f32:1x23x21x3 f32:64x7x7x3! f32:64! _ _ f32:6! act=relu pads=3 strides=2 to=u8",
           "FusedConv bf16:2x13x11x5 bf16:7x3x3x5! f32:7! i8:2x13x11x7 _ f32:6! act=relu pads=1 to=bf16",
           "FusedConv u8:2x13x11x5 i8:7x3x3x5! f32:7! f16:2x13x11x7 f32:7! f32:6! act=sigmoid pads=1 to=f16",
       })
    trial::check_all(*backend, line);
}

TEST(conv, pointwise_remainders) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "FusedConv f32:1x1x1x1 f32:1x1x1x1!",
           "FusedConv f32:1x5x7x13 f32:67x1x1x13! f32:67! f32:1x5x7x67 act=relu",
           "FusedConv f32:3x9x7x130 f32:129x1x1x130! f32:129! act=clip alpha=0.0 beta=6.0 strides=2",
           "FusedConv f32:2x17x19x64 f32:256x1x1x64! f32:256! f32:2x17x19x256 act=relu",
           "FusedConv f32:1x3x3x24 f32:33x1x1x24! f32:33! u8:1x3x3x33 _ f32:6! act=relu to=u8",
           "FusedConv f32:1x3x3x24 f32:33x1x1x24! f32:33! bf16:1x3x3x33 act=relu to=bf16",
           "FusedConv u8:1x5x7x13 i8:67x1x1x13! f32:67! u8:1x5x7x67 f32:67! f32:6! act=relu to=u8",
           "FusedConv u8:3x9x7x132 i8:129x1x1x132! f32:129! _ f32:129! f32:6! act=clip alpha=0.0 beta=6.0 strides=2 "
           "to=u8",
           "FusedConv i8:3x9x7x130 i8:129x1x1x130! _ _ f32:129! f32:6! strides=2,1 to=i8",
           "FusedConv i8:1x9x7x64 i8:48x1x1x64! f32:48! i8:1x9x7x48 f32:48! f32:6! act=relu to=i8",
           "FusedConv u8:2x17x19x64 i8:256x1x1x64! f32:256! f32:2x17x19x256 f32:256! f32:6! act=relu to=f32",
           "FusedConv u8:1x7x7x512 i8:2048x1x1x512! f32:2048! u8:1x7x7x2048 f32:2048! f32:6! act=relu to=u8",
       })
    trial::check_all(*backend, line);
}

TEST(conv, depthwise_remainders) {
  const auto backend = make_cpu_backend();
  for (const char* line : {
           "FusedConv f32:1x1x1x2 f32:2x3x3x1! group=2 pads=1",
           "FusedConv f32:2x9x11x19 f32:19x3x3x1! f32:19! f32:2x9x11x19 act=relu group=19 pads=1",
           "FusedConv f32:1x14x15x32 f32:32x5x5x1! f32:32! act=clip alpha=0.0 beta=6.0 group=32 pads=2 strides=2",
           "FusedConv f32:1x14x15x33 f32:33x5x5x1! f32:33! act=relu group=33 pads=2",
           "FusedConv f32:1x14x15x33 f32:33x3x3x1! f32:33! group=33 pads=0,2,1,0 dilations=2",
           "FusedConv f32:1x14x15x16 f32:16x7x2x1! f32:16! group=16 pads=3,0,3,1 strides=1,3",
           "FusedConv f32:1x3x2x16 f32:16x3x3x1! f32:16! group=16 pads=5,4,4,5 strides=2",
           "FusedConv bf16:1x14x15x40 bf16:40x3x3x1! f32:40! act=relu group=40 pads=1",
           "FusedConv u8:1x14x15x40 i8:40x3x3x1! f32:40! _ f32:40! f32:6! act=relu group=40 pads=1 to=u8",
           "FusedConv u8:2x15x15x17 i8:17x3x3x1! f32:17! u8:2x8x8x17 f32:17! f32:6! act=none group=17 pads=1 strides=2 "
           "to=i8",
           "FusedConv i8:2x15x15x17 i8:17x5x5x1! f32:17! _ f32:17! f32:6! group=17 pads=2 strides=2 to=f32",
       })
    trial::check_all(*backend, line);
}

}  // namespace
}  // namespace halftone
