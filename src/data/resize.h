#pragma once
#include <cstdint>
#include <vector>

#include "data/image.h"

namespace halftone {

/// How a picture is scaled, both with the triangle (linear) filter and pixel centres at half-integers.
enum class Resample : std::uint8_t {
  antialias,  ///< the filter is widened by the ratio when shrinking, as Pillow and torchvision do
  plain,      ///< two taps whatever the ratio, as OpenCV's INTER_LINEAR does
};

/// The taps of one axis: output i is the sum over t of weight[i * taps + t] * input[first[i] + t], divided by 2^22.
struct ResizeAxis {
  int taps = 0;
  int source_begin = 0, source_end = 0;  ///< the inputs that any of the outputs touches
  std::vector<int> first;
  std::vector<std::int32_t> weight;
};

/// Scaling `in` pixels to `out`, but only its outputs begin … begin+size-1.
ResizeAxis make_axis(int in, int out, int begin, int size, Resample resample);

/// Scales the part of a picture whose upper left corner is (across.source_begin, down.source_begin): along the rows
/// first, rounded to eight bits, then down the columns, in fixed point. That gives the bytes of Pillow up to 12
/// exactly; 13 goes down the columns first for some sizes, and is then at most 1 away. `scratch` is working memory.
void resize(const Image& source, const ResizeAxis& across, const ResizeAxis& down, Image& scratch, Image& result);

/// The whole picture scaled to width x height.
Image resize(const Image& source, int width, int height, Resample resample);

}  // namespace halftone
