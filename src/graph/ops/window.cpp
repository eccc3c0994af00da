#include "graph/ops/window.h"

#include "base/error.h"
#include "graph/ops/image.h"

namespace halftone::ops {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 30;  // keeps every product below within 64 bits

void require_range(std::string_view what, std::int64_t value, std::int64_t least) {
  if (value < least || value > kLargest) fail(Code::invalid_model, "{} {} is out of range", what, value);
}

std::vector<std::int64_t> kernel_shape_of(const Attributes& attributes, std::size_t rank) {
  if (!attributes.has("kernel_shape")) fail(Code::invalid_model, "kernel_shape is missing");
  return attributes.get_ints("kernel_shape", rank, 1);
}

}  // namespace

Windows windows_of(const Attributes& attributes, std::span<const std::int64_t> in, std::span<const std::int64_t> kernel,
                   bool ceil_mode) {
  const std::size_t rank = in.size();
  if (rank < 1 || rank > 3) fail(Code::unsupported, "{} spatial axes; 1 to 3 are supported", rank);
  if (kernel.size() != rank) fail(Code::invalid_model, "the kernel has {} axes, the input {}", kernel.size(), rank);
  const auto strides = attributes.get_ints("strides", rank, 1);
  const auto dilations = attributes.get_ints("dilations", rank, 1);
  const auto auto_pad = attributes.get_string("auto_pad", "NOTSET");
  const bool explicit_pads = auto_pad == "NOTSET" || auto_pad.empty();
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!explicit_pads && !same && auto_pad != "VALID") fail(Code::invalid_model, "unknown auto_pad '{}'", auto_pad);
  const auto pads = explicit_pads ? attributes.get_ints("pads", 2 * rank, 0) : std::vector<std::int64_t>(2 * rank, 0);

  Windows windows;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    auto& window = windows[3 - rank + axis];
    window = {in[axis], kernel[axis], strides[axis], dilations[axis], pads[axis], pads[rank + axis], 0};
    require_range("kernel extent", window.kernel, 1);
    require_range("stride", window.stride, 1);
    require_range("dilation", window.dilation, 1);
    require_range("pad", window.pad_begin, 0);
    require_range("pad", window.pad_end, 0);
    if (same) {
      window.out = (window.in + window.stride - 1) / window.stride;
      const auto total = std::max<std::int64_t>(0, (window.out - 1) * window.stride + window.reach() - window.in);
      window.pad_begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      window.pad_end = total - window.pad_begin;
      continue;
    }
    const auto room = window.in + window.pad_begin + window.pad_end - window.reach();
    if (room < 0)
      fail(Code::invalid_model, "a kernel reaching over {} is larger than the padded input {}", window.reach(),
           window.in + window.pad_begin + window.pad_end);
    window.out = room / window.stride + 1;
    if (ceil_mode && room % window.stride != 0 && window.out * window.stride < window.in + window.pad_begin)
      ++window.out;
  }
  return windows;
}

std::vector<std::int64_t> outputs_of(const Windows& windows, std::size_t rank) {
  std::vector<std::int64_t> extents;
  for (std::size_t axis = 3 - rank; axis < 3; ++axis) extents.push_back(windows[axis].out);
  return extents;
}

Windows pooling_windows(const Attributes& attributes, std::span<const std::int64_t> in) {
  const auto kernel = kernel_shape_of(attributes, in.size());
  return windows_of(attributes, in, kernel, attributes.get_int("ceil_mode", 0) != 0);
}

Windows pooling_windows(const Problem& problem) {
  const auto x = image_of(problem.attributes, problem.input(0).shape);
  if (problem.op.starts_with("Global")) return windows_of(Attributes(), x.spatial, x.spatial);
  return pooling_windows(problem.attributes, x.spatial);
}

double pooling_flops(const Problem& problem) {
  double taps = 1;
  for (const auto extent : kernel_shape_of(problem.attributes, problem.input(0).shape.rank() - 2))
    taps *= static_cast<double>(extent);
  return taps * static_cast<double>(problem.output().shape.count());
}

}  // namespace halftone::ops
