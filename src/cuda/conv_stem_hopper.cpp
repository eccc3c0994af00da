#include "cuda/conv_stem_hopper.h"

#include <cstddef>

namespace halftone::cuda {

std::vector<uint16_t> pack_stem_hopper_weights(const ConvParams& p, int output_bytes, const uint16_t* ohwi) {
  const int halves = p.kernel_width > 4 ? 2 : 1;
  const int steps = p.kernel_height * halves;
  const int tiles = (p.outputs + stem::kHopperChannels - 1) / stem::kHopperChannels;
  std::vector<uint16_t> packed;
  packed.reserve(static_cast<std::size_t>(tiles) * static_cast<std::size_t>(steps) * 128 * 8);
  for (int tile = 0; tile < tiles; ++tile) {
    for (int step = 0; step < steps; ++step) {
      for (int thread = 0; thread < 128; ++thread) {
        for (int i = 0; i < 8; ++i) {  // two neighbours down the windows in each of four registers
          const int row = thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
          const int depth = thread % 4 * 2 + i / 4 * 8 + i % 2;
          const int output = tile * stem::kHopperChannels + stem::hopper_channel(row, output_bytes);
          const int tap_y = step / halves, tap_x = step % halves * 4 + depth / 4, channel = depth % 4;
          const bool there = output < p.outputs && tap_x < p.kernel_width && channel < p.channels;
          const auto at = ((std::ptrdiff_t{output} * p.kernel_height + tap_y) * p.kernel_width + tap_x) * p.channels;
          packed.push_back(there ? ohwi[at + channel] : uint16_t{0});
        }
      }
    }
  }
  return packed;
}

const char* stem_hopper_refusal(const ConvParams& p, int output_bytes) {
  if (p.channels < 1 || p.channels > 4) return "more than four input channels";
  if (p.residual != nullptr) return "a residual input";
  if (p.stride_height != 2 || p.stride_width != 2) return "strides other than 2";
  if (p.kernel_height != p.kernel_width || (p.kernel_height != 3 && p.kernel_height != 7))
    return "windows other than 3x3 and 7x7";
  if (p.dilation_height != 1 || p.dilation_width != 1) return "dilated windows";
  if (p.outputs * output_bytes % 16 != 0) return "output channels fill no whole 16 bytes";
  return nullptr;
}

}  // namespace halftone::cuda
