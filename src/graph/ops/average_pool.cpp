#include "graph/ops/image.h"
#include "graph/ops/window.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto x = ops::image_of(context.attributes, context.shape(0));
  const auto extents = ops::outputs_of(ops::pooling_windows(context.attributes, x.spatial), x.spatial.size());
  context.set_output(0, context.input(0).dtype, x.with(x.c, extents).shape());
}

/// Taps of a window that lie in the padded input: what count_include_pad divides by. A window that ceil_mode lets hang
/// over the end of the padding does not count what hangs over.
double padded_taps(const ops::Windows& windows, std::int64_t position) {
  double count = 1;
  for (std::size_t axis = 3; axis-- > 0;) {
    auto window = windows[axis];
    const auto o = position % window.out;
    position /= window.out;
    const auto limit = window.in + window.pad_begin + window.pad_end;
    window.pad_begin = 0;
    const auto [first, last] = window.taps(o, limit);
    count *= static_cast<double>(last - first);
  }
  return count;
}

void reference(const ReferenceContext& context) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const auto y = ops::image_of(context.attributes, context.outputs[0].shape());
  const auto windows = ops::pooling_windows(context.attributes, x.spatial);
  const bool include_pad = context.attributes.get_int("count_include_pad", 0) != 0;
  const auto in = context.inputs[0].to_doubles();
  std::vector<double> out(static_cast<std::size_t>(y.shape().count()));
  ops::for_each_output(windows, [&](std::int64_t position, std::span<const ops::Tap> taps) {
    const double count = include_pad ? padded_taps(windows, position) : static_cast<double>(taps.size());
    for (std::int64_t n = 0; n < x.n; ++n)
      for (std::int64_t c = 0; c < x.c; ++c) {
        double sum = 0;
        for (const auto& tap : taps) sum += in[x.at(n, c, tap.position)];
        out[y.at(n, c, position)] = count > 0 ? sum / count : 0;
      }
  });
  ops::store(context.outputs[0], out);
}

}  // namespace

extern const Op op_AveragePool;
const Op op_AveragePool{.name = "AveragePool", .infer = infer, .reference = reference, .flops = ops::pooling_flops};

}  // namespace halftone
