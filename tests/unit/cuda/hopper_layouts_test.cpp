#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "cuda/conv_stem_hopper.h"
#include "cuda/conv_strip.h"

// How Hopper's kernels cut up their work and lay out weights. Needs no device.
namespace halftone::cuda {
namespace {

constexpr int kShared = (227 << 10) - kStripStaticBytes;

ConvParams square(int size, int channels, int outputs) {
  ConvParams p;
  p.height = p.width = p.out_height = p.out_width = size;
  p.channels = p.input_pitch = channels;
  p.outputs = p.output_pitch = outputs;
  p.kernel_height = p.kernel_width = 3;
  p.pad_top = p.pad_left = 1;
  return p;
}

TEST(cuda_strips, cover_every_line_and_fit) {
  for (const int size : {56, 28, 14, 7, 1}) {
    for (const auto& config : conv_strip_int8()) {
      const ConvParams p = square(size, config.slab_bytes, 64);
      EXPECT_EQ(strip_refuses(p, 1), nullptr);
      const StripPlan plan = plan_strips(p, config, kShared);
      if (config.columns == 128 && size == 56) {  // its weights leave too little room
        EXPECT_EQ(plan.lines, 0);
        continue;
      }
      ASSERT_GT(plan.lines, 0) << config.name << " " << size;
      EXPECT_GE(plan.lines * plan.strips_down, size);
      EXPECT_LT(plan.lines * (plan.strips_down - 1), size);
      EXPECT_GE(plan.tiles * 64, plan.lines * plan.pitch);
      // The last tile's last tap reads within the strip.
      EXPECT_LE((plan.tiles * 64 + 2 * plan.pitch + 2) * config.slab_bytes, plan.strip_bytes);
      EXPECT_LE(9 * config.columns * config.slab_bytes + 4 * config.buffers * plan.strip_bytes, kShared);
    }
  }
}

TEST(cuda_strips, lines_that_do_not_fit_are_refused) {
  EXPECT_NE(strip_refuses(square(300, 64, 64), 1), nullptr);
  EXPECT_NE(strip_refuses(square(56, 96, 64), 1), nullptr);
  EXPECT_NE(strip_refuses(square(56, 64, 64), 4), nullptr);
  const ConvParams p = square(200, 128, 128);
  for (const auto& config : conv_strip_int8()) {
    if (config.columns == 128) {
      EXPECT_EQ(plan_strips(p, config, kShared).lines, 0);
    }
  }
}

TEST(cuda_stem_hopper, each_weight_is_packed_once) {
  struct Window {
    int size, stride;
    std::size_t steps, byte_steps;  // of 32 bytes each
  };
  for (const auto& window : {Window{3, 1, 3, 3}, Window{3, 2, 3, 3}, Window{7, 2, 14, 7}, Window{11, 4, 33, 22}}) {
    ConvParams p;
    p.channels = p.input_pitch = 3;
    p.outputs = p.output_pitch = 96;
    p.kernel_height = p.kernel_width = window.size;
    p.stride_height = p.stride_width = window.stride;
    std::vector<uint16_t> weights(static_cast<std::size_t>(96 * window.size * window.size * 3));
    std::iota(weights.begin(), weights.end(), uint16_t{1});
    for (const int bytes : {1, 2}) {
      EXPECT_EQ(stem_hopper_refusal(p, bytes), nullptr);
      const auto packed = pack_stem_hopper_weights(p, bytes, 2, weights.data());
      ASSERT_EQ(packed.size(), 2U * window.steps * 128 * 16);  // two tiles of 64 channels
      std::vector<uint16_t> values(packed.size() / 2);
      std::memcpy(values.data(), packed.data(), packed.size());
      std::sort(values.begin(), values.end());
      values.erase(values.begin(), std::upper_bound(values.begin(), values.end(), uint16_t{0}));
      EXPECT_EQ(values, weights);
      const std::vector<int8_t> ones(weights.size(), 1);
      const auto packed_bytes = pack_stem_hopper_weights(p, bytes, 1, ones.data());
      EXPECT_EQ(packed_bytes.size(), 2U * window.byte_steps * 128 * 16);
      EXPECT_EQ(std::count(packed_bytes.begin(), packed_bytes.end(), std::byte{1}),
                static_cast<std::ptrdiff_t>(weights.size()));
    }
  }
}

TEST(cuda_stem_hopper, other_windows_are_refused) {
  ConvParams p;
  p.channels = p.input_pitch = 3;
  p.outputs = p.output_pitch = 64;
  p.kernel_height = p.kernel_width = 7;
  EXPECT_NE(stem_hopper_refusal(p, 1), nullptr);
  p.stride_height = p.stride_width = 2;
  EXPECT_EQ(stem_hopper_refusal(p, 1), nullptr);
  p.stride_width = 1;
  EXPECT_NE(stem_hopper_refusal(p, 1), nullptr);
}

TEST(cuda_stem_hopper, bytes_of_neighbouring_channels_lie_side_by_side) {
  for (int row = 0; row < 64; ++row) {
    EXPECT_EQ(stem::hopper_channel(row, 2), row);
    if (row % 16 < 8) {
      EXPECT_EQ(stem::hopper_channel(row + 8, 1), stem::hopper_channel(row, 1) + 1);
    }
  }
}

}  // namespace
}  // namespace halftone::cuda
