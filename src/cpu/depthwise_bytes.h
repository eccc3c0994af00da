#pragma once
#include <cstdint>

// Plain data shared with a file compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

constexpr int kDepthwiseBlock = 64;  // bytes worked on at once: channels times segments of a line

/// Output lines [line_begin, line_end) of one image and one block of channels of a 3x3 depthwise convolution of bytes
/// in NHWC. Channels come as bytes of four neighbouring pixels interleave: vector v, lane 4 l + j holds channel 16 l +
/// 4 v + j.
struct DepthwiseBytesTask {
  const std::uint8_t* x;  ///< the image
  std::uint8_t* y;        ///< the image
  long h, w, channels, oh, ow;
  int stride_h, stride_w, pad_top, pad_left;
  std::uint8_t flip;               ///< 0x80 makes signed bytes unsigned, 128 higher
  std::uint8_t padding;            ///< the byte around the image, flipped already
  bool signed_y;                   ///< y is i8
  std::uint8_t low, high;          ///< bounds of y
  const std::int8_t* weights;      ///< the block's [3 rows][taps 0 1 2 -, taps - 0 1 2][4 vectors][16 lanes][4 pixels]
  const float* scale;              ///< the block's [4 vectors][16 lanes]
  const float* bias;               ///< likewise; zero points are within
  int segments;                    ///< 1, 2 or 4 parts of a line side by side; channel_end <= 64 / segments
  long channel;                    ///< the block's first channel
  int channel_begin, channel_end;  ///< those of the block to load ([0, end)) and to store ([begin, end))
  long line_begin, line_end;
  std::uint8_t*
      ring;  ///< 3 rows of 256 bytes for every two (stride 2: every) outputs, which come in fours; 64-byte aligned
};

using DepthwiseBytes = void (*)(const DepthwiseBytesTask&);

extern const DepthwiseBytes depthwise_bytes_avx512;

}  // namespace halftone::cpu
