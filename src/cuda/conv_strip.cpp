#include "cuda/conv_strip.h"

#include <algorithm>

namespace halftone::cuda {
namespace {

constexpr int kTaps = 9;
constexpr int kGroups = 4;  // warpgroups of a block
constexpr int kAlignment = 1024;
constexpr int kMostLines = 8;

}  // namespace

StripPlan plan_strips(const ConvParams& p, const ConvStripConfig& config, int shared_limit) {
  StripPlan best;
  best.lines = 0;
  best.pitch = p.out_width + 2;
  best.padded_outputs = (p.outputs + config.columns - 1) / config.columns * config.columns;
  const int weights = kTaps * config.columns * config.slab_bytes + kAlignment;
  double least = 0;  // bytes of shared memory written and read for a line
  for (int lines = 1; lines <= std::min(kMostLines, p.out_height); ++lines) {
    const int tiles = (lines * best.pitch + 63) / 64;
    const int pixels = std::max(tiles * 64 + 2 * best.pitch + 2, (lines + 2) * best.pitch);
    const int bytes = (pixels * config.slab_bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (weights + kGroups * config.buffers * bytes > shared_limit) break;
    const int down = (p.out_height + lines - 1) / lines;
    const double moved = (lines + 2.0) * best.pitch + static_cast<double>(tiles) * kTaps * (64 + config.columns);
    const double cost = moved * down / p.out_height;
    if (best.lines > 0 && cost >= least) continue;
    least = cost;
    best.lines = lines;
    best.tiles = tiles;
    best.strips_down = down;
    best.strip_bytes = bytes;
  }
  return best;
}

const char* strip_refuses(const ConvParams& p, int element_bytes) {
  if (p.kernel_height != 3 || p.kernel_width != 3) return "windows other than 3x3";
  if (p.stride_height != 1 || p.stride_width != 1) return "strides";
  if (p.dilation_height != 1 || p.dilation_width != 1) return "dilated windows";
  const int bytes = p.channels * element_bytes;
  if (bytes != 64 && bytes != 128) return "a pixel is neither 64 nor 128 bytes";
  if (p.outputs * element_bytes % 16) return "output channels fill no whole 16 bytes";
  if (p.out_width + 2 > 256) return "lines of more than 254 pixels";
  return nullptr;
}

}  // namespace halftone::cuda
