#include "cuda/conv_wgmma.h"

#include <algorithm>
#include <cstring>

namespace halftone::cuda {

WgmmaDepth wgmma_depth(const ConvParams& p, int element_bytes) {
  const int bytes = p.channels * element_bytes;
  WgmmaDepth depth;
  depth.slab_bytes = bytes % 128 == 0 || bytes > 256 ? 128 : 64;
  depth.slabs_per_tap = (bytes + depth.slab_bytes - 1) / depth.slab_bytes;
  const int per_stage = 128 / depth.slab_bytes;
  depth.slabs = (depth.slabs_per_tap * p.kernel_height * p.kernel_width + per_stage - 1) / per_stage * per_stage;
  return depth;
}

std::vector<std::byte> pack_wgmma_weights(const void* weights, const ConvParams& p, int element_bytes, int vector,
                                          int padded_outputs) {
  const WgmmaDepth depth = wgmma_depth(p, element_bytes);
  const int channel_bytes = p.channels * element_bytes;
  const int taps = p.kernel_height * p.kernel_width;
  const auto* from = static_cast<const std::byte*>(weights);
  const auto slab_size = static_cast<std::size_t>(padded_outputs) * static_cast<std::size_t>(depth.slab_bytes);
  std::vector<std::byte> packed(slab_size * static_cast<std::size_t>(depth.slabs));
  const int per_group = vector / 2;  // blocks of 8 columns from which a thread's neighbours come
  for (int n = 0; n < padded_outputs; ++n) {
    const int block = n % 64 / 8, column = n % 8;
    const int output =
        n / 64 * 64 + block / per_group * 4 * vector + column / 2 * vector + block % per_group * 2 + column % 2;
    if (output >= p.outputs) continue;
    const int swizzle = depth.slab_bytes == 128 ? n % 8 : n / 2 % 4;
    for (int tap = 0; tap < taps; ++tap) {
      const std::byte* row = from + (std::int64_t{output} * taps + tap) * channel_bytes;
      for (int byte = 0; byte < channel_bytes; byte += 16) {
        const int slab = tap * depth.slabs_per_tap + byte / depth.slab_bytes;
        const int chunk = byte % depth.slab_bytes / 16 ^ swizzle;
        std::byte* to = packed.data() + static_cast<std::size_t>(slab) * slab_size +
                        static_cast<std::size_t>(n * depth.slab_bytes + chunk * 16);
        std::memcpy(to, row + byte, static_cast<std::size_t>(std::min(16, channel_bytes - byte)));
      }
    }
  }
  return packed;
}

const char* wgmma_refuses(const ConvParams& p, int element_bytes) {
  if (p.channels * element_bytes % 16 || p.outputs * element_bytes % 16) return "channels fill no whole 16 bytes";
  if (p.stride_height > 8 || p.stride_width > 8) return "strides beyond 8";
  if ((p.kernel_height - 1) * p.dilation_height > 100 || (p.kernel_width - 1) * p.dilation_width > 100 ||
      p.pad_top > 100 || p.pad_left > 100)
    return "windows beyond 100 pixels";
  return nullptr;
}

}  // namespace halftone::cuda
