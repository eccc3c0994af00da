#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/problem.h"

namespace halftone::ops {

/// One spatial axis of a convolution or a pooling. Tap k of output o reads position o * stride - pad_begin + k *
/// dilation.
struct Window {
  std::int64_t in = 1, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0, out = 1;

  std::int64_t position(std::int64_t o, std::int64_t k) const { return o * stride - pad_begin + k * dilation; }
  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
  /// Taps of output o whose position lies in [0, limit): their first, and one past their last.
  std::pair<std::int64_t, std::int64_t> taps(std::int64_t o, std::int64_t limit) const {
    const std::int64_t start = position(o, 0);
    const std::int64_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    const std::int64_t last = limit > start ? std::min(kernel, (limit - 1 - start) / dilation + 1) : 0;
    return {std::min(first, std::max(last, std::int64_t{0})), std::max(last, std::int64_t{0})};
  }
};

/// Three axes; what a lower spatial rank lacks is a window of 1 over 1, in front.
using Windows = std::array<Window, 3>;

/// Reads strides, dilations, pads and auto_pad for 1 to 3 spatial axes of extents `in` and a `kernel`, and works out
/// the output extents. With `ceil_mode` a last, partial window counts if it starts before the end padding. Throws
/// invalid_model (or unsupported for more than 3 axes).
Windows windows_of(const Attributes& attributes, std::span<const std::int64_t> in, std::span<const std::int64_t> kernel,
                   bool ceil_mode = false);

/// The output extents of the last `rank` axes.
std::vector<std::int64_t> outputs_of(const Windows& windows, std::size_t rank);

/// The windows of a pooling over extents `in`: with kernel_shape, which it must have, and ceil_mode.
Windows pooling_windows(const Attributes& attributes, std::span<const std::int64_t> in);
/// Those of a pooling's Problem; a global one has a single window.
Windows pooling_windows(const Problem& problem);

/// One operation for each tap of each output.
double pooling_flops(const Problem& problem);

/// An input position and the kernel tap that reads it, both counted row-major.
struct Tap {
  std::int64_t position, kernel;
};

/// Calls `function(o, taps)` for every output position o, counted row-major, with the taps inside the input.
template <typename Function>
void for_each_output(const Windows& windows, Function function) {
  const auto& [d, h, w] = windows;
  std::vector<Tap> taps;
  for (std::int64_t od = 0, o = 0; od < d.out; ++od)
    for (std::int64_t oh = 0; oh < h.out; ++oh)
      for (std::int64_t ow = 0; ow < w.out; ++ow, ++o) {
        taps.clear();
        const auto [d_first, d_last] = d.taps(od, d.in);
        const auto [h_first, h_last] = h.taps(oh, h.in);
        const auto [w_first, w_last] = w.taps(ow, w.in);
        for (std::int64_t kd = d_first; kd < d_last; ++kd)
          for (std::int64_t kh = h_first; kh < h_last; ++kh)
            for (std::int64_t kw = w_first; kw < w_last; ++kw)
              taps.push_back({(d.position(od, kd) * h.in + h.position(oh, kh)) * w.in + w.position(ow, kw),
                              (kd * h.kernel + kh) * w.kernel + kw});
        function(o, std::span<const Tap>(taps));
      }
}

}  // namespace halftone::ops
