#include <cmath>

#include "graph/ops/image.h"
#include "graph/ops/window.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  ops::require_float(context, 0);
  const auto p = context.attributes.get_int("p", 2);
  if (p < 1) fail(Code::invalid_model, "p is {}, at least 1 is needed", p);
  const auto x = ops::image_of(context.attributes, context.shape(0));
  const auto extents = ops::outputs_of(ops::pooling_windows(context.attributes, x.spatial), x.spatial.size());
  context.set_output(0, context.input(0).dtype, x.with(x.c, extents).shape());
}

void reference(const ReferenceContext& context) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const auto y = ops::image_of(context.attributes, context.outputs[0].shape());
  const auto windows = ops::pooling_windows(context.attributes, x.spatial);
  const auto p = static_cast<double>(context.attributes.get_int("p", 2));
  const auto in = context.inputs[0].to_doubles();
  std::vector<double> out(static_cast<std::size_t>(y.shape().count()));
  ops::for_each_output(windows, [&](std::int64_t position, std::span<const ops::Tap> taps) {
    for (std::int64_t n = 0; n < x.n; ++n)
      for (std::int64_t c = 0; c < x.c; ++c) {
        double sum = 0;
        for (const auto& tap : taps) sum += std::pow(std::abs(in[x.at(n, c, tap.position)]), p);
        out[y.at(n, c, position)] = std::pow(sum, 1 / p);
      }
  });
  ops::store(context.outputs[0], out);
}

}  // namespace

extern const Op op_LpPool;
const Op op_LpPool{.name = "LpPool", .infer = infer, .reference = reference, .flops = ops::pooling_flops};

}  // namespace halftone
