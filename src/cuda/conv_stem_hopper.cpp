#include "cuda/conv_stem_hopper.h"

#include <cstring>

namespace halftone::cuda {

int stem_hopper_value_bytes(const ConvParams& p, Element from) {
  return (from == Element::kInt8 || from == Element::kUint8) && p.kernel_width > 4 ? 1 : 2;
}

std::vector<std::byte> pack_stem_hopper_weights(const ConvParams& p, int output_bytes, int value_bytes,
                                                const void* ohwi) {
  const int together = 4 / value_bytes;  // neighbours down the windows in each of four registers
  const int across = (p.kernel_width + 2 * together - 1) / (2 * together);  // products a line of the window
  const int steps = p.kernel_height * across;
  const int tiles = (p.outputs + stem::kHopperChannels - 1) / stem::kHopperChannels;
  std::vector<std::byte> packed(static_cast<std::size_t>(tiles) * static_cast<std::size_t>(steps) * 128 * 16);
  std::byte* to = packed.data();
  for (int tile = 0; tile < tiles; ++tile) {
    for (int step = 0; step < steps; ++step) {
      for (int thread = 0; thread < 128; ++thread) {
        for (int i = 0; i < 4 * together; ++i, to += value_bytes) {
          const int word = i / together;
          const int row = thread / 32 * 16 + thread % 32 / 4 + word % 2 * 8;
          const int depth = thread % 4 * together + word / 2 * (4 * together) + i % together;
          const int output = tile * stem::kHopperChannels + stem::hopper_channel(row, output_bytes);
          const int tap_y = step / across, tap_x = step % across * (2 * together) + depth / 4, channel = depth % 4;
          if (output >= p.outputs || tap_x >= p.kernel_width || channel >= p.channels) continue;
          const auto at = ((std::ptrdiff_t{output} * p.kernel_height + tap_y) * p.kernel_width + tap_x) * p.channels;
          std::memcpy(to, static_cast<const std::byte*>(ohwi) + (at + channel) * value_bytes,
                      static_cast<std::size_t>(value_bytes));
        }
      }
    }
  }
  return packed;
}

const char* stem_hopper_refusal(const ConvParams& p, int output_bytes) {
  if (p.channels < 1 || p.channels > 4) return "more than four input channels";
  if (p.residual != nullptr) return "a residual input";
  if (p.kernel_height != p.kernel_width || p.stride_height != p.stride_width) return "windows that are not square";
  const auto is = [&](int size, int stride) { return p.kernel_height == size && p.stride_height == stride; };
  if (!is(3, 1) && !is(3, 2) && !is(7, 2) && !is(11, 4))
    return "windows other than 3x3 of stride 1 or 2, 7x7 of stride 2 and 11x11 of stride 4";
  if (p.dilation_height != 1 || p.dilation_width != 1) return "dilated windows";
  if (p.outputs * output_bytes % 16 != 0) return "output channels fill no whole 16 bytes";
  return nullptr;
}

}  // namespace halftone::cuda
