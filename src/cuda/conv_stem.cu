#include "cuda/conv_stem.h"

#include <cstring>

#include "cuda/conv_stem.cuh"

namespace halftone::cuda {
namespace {

using namespace stem;

/// Rounds a float in place to ten bits of mantissa, ties away from zero, as the card does.
void round_to_tf32(char* value) {
  uint32_t bits = 0;
  std::memcpy(&bits, value, 4);
  if ((bits & 0x7f800000U) != 0x7f800000U) bits = (bits + 0x1000U) & 0xffffe000U;
  std::memcpy(value, &bits, 4);
}

template <int kColumns>
int product_column(int channel, int output_bytes) {
  for (int n = 0; n < kColumns; ++n) {
    const int at = output_bytes == 1   ? ColumnOrder<int8_t, kColumns>::channel(n)
                   : output_bytes == 2 ? ColumnOrder<__half, kColumns>::channel(n)
                                       : ColumnOrder<float, kColumns>::channel(n);
    if (at == channel) return n;
  }
  return 0;
}

}  // namespace

size_t stem_weight_count(const ConvParams& p, StemCompute compute) {
  const int columns = column_tile(p);
  return static_cast<size_t>((p.outputs + columns - 1) / columns) * columns * tap_groups(p, element_size(compute)) * 16;
}

void pack_stem_weights(const ConvParams& p, StemCompute compute, int output_bytes, const void* ohwi, void* packed) {
  const int size = element_size(compute);
  const int columns = column_tile(p);
  const int groups = tap_groups(p, size);
  const int taps = p.kernel_height * p.kernel_width;
  auto* to = static_cast<char*>(packed);
  const auto* from = static_cast<const char*>(ohwi);
  std::memset(to, 0, stem_weight_count(p, compute) * size);
  for (int o = 0; o < p.outputs; ++o) {
    const int local = o % columns;
    const int n = columns == 64 ? product_column<64>(local, output_bytes) : product_column<32>(local, output_bytes);
    const int block = n / 8;
    for (int tap = 0; tap < taps; ++tap) {
      for (int ch = 0; ch < p.channels; ++ch) {
        // Where a lane finds it: the product, the pair of 8-channel blocks, the lane, then two
        // words a block; a word holds 4 / size values.
        const int group = tap / 4;
        const int lane = n % 8 * 4 + tap % 4;
        const int byte = ch * size;  // within the pixel
        const int step = size == 1 ? group / 2 : size == 2 ? group : group * 2 + byte / 8;
        const int word = size == 1 ? group % 2 : byte % 8 / 4;
        const size_t at =
            static_cast<size_t>(o / columns) * columns * groups * 16 * size +
            ((static_cast<size_t>(step) * (columns / 8) + block / 2 * 2) * 64 + lane * 4 + block % 2 * 2 + word) * 4 +
            byte % 4;
        std::memcpy(to + at, from + ((static_cast<size_t>(o) * taps + tap) * p.channels + ch) * size, size);
        if (compute == StemCompute::kTf32) round_to_tf32(to + at);
      }
    }
  }
}

const char* stem_refusal(const StemParams& p, size_t shared_limit) {
  if (p.conv.channels < 1 || p.conv.channels > 4) return "more than four input channels";
  if (p.conv.residual != nullptr) return "a residual input";
  if (window(kTileHeight, p.conv.stride_height, p.conv.kernel_height, p.conv.dilation_height) *
              window(kTileWidth, p.conv.stride_width, p.conv.kernel_width, p.conv.dilation_width) >
          8192 ||
      shared_bytes(p.conv, element_size(p.compute)) > shared_limit) {
    return "window and weights exceed shared memory";
  }
  return nullptr;
}

cudaError_t conv_stem(const StemParams& p, cudaStream_t stream) {
  switch (p.compute) {
    case StemCompute::kInt8: return launch_int8(p, stream);
    case StemCompute::kFp8: return launch_fp8(p, stream);
    case StemCompute::kFp16: return launch_fp16(p, stream);
    case StemCompute::kBf16: return launch_bf16(p, stream);
    case StemCompute::kTf32: return launch_tf32(p, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace halftone::cuda
