#pragma once
#include <cstddef>
#include <vector>

#include "cuda/conv_stem.h"
#include "cuda/element_type.h"

/// A network's first convolution on Hopper's warpgroup products: windows of 3x3 and stride 1 or 2, 7x7 and stride 2, or
/// 11x11 and stride 4 over at most four channels. e4m3 is multiplied as fp16, which holds it exactly.
namespace halftone::cuda {

namespace stem {
constexpr int kHopperChannels = 64;

/// The output channel, among 64, of a row of the product: of each 16, rows 8 apart are neighbours where two bytes are
/// to lie side by side.
inline constexpr int hopper_channel(int row, int output_bytes) {
  const int within = row % 16;
  return output_bytes == 1 ? row - within + within % 8 * 2 + within / 8 : row;
}
}  // namespace stem

/// Bytes of the values that are multiplied: integers of 8 bits under wide windows as they are, all others as 16 bits.
/// The lines of a 3x3 window would leave most of a product of bytes empty.
int stem_hopper_value_bytes(const ConvParams& p, Element from);

/// Weights as the kernel's threads hold them; `ohwi` has values of `value_bytes`.
std::vector<std::byte> pack_stem_hopper_weights(const ConvParams& p, int output_bytes, int value_bytes,
                                                const void* ohwi);

/// Null where the kernel takes the windows and channels, else why it does not.
const char* stem_hopper_refusal(const ConvParams& p, int output_bytes);

/// `weights` packed for the output's size; bytes out where `to` is an 8-bit integer, signed or not.
cudaError_t conv_stem_hopper(const StemParams& p, Element from, Element to, cudaStream_t stream);

}  // namespace halftone::cuda
