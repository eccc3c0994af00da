#include <limits>

#include "graph/ops/helpers.h"
#include "graph/ops/image.h"
#include "graph/ops/window.h"

namespace halftone {
namespace {

void infer(InferContext& context) {
  const auto dtype = context.input(0).dtype;
  if (!is_float(dtype) && !is_quantised(dtype)) fail(Code::invalid_model, "MaxPool of {} does not exist", name(dtype));
  const auto x = ops::image_of(context.attributes, context.shape(0));
  const auto shape =
      x.with(x.c, ops::outputs_of(ops::pooling_windows(context.attributes, x.spatial), x.spatial.size())).shape();
  context.set_output(0, dtype, shape);
  if (context.output_count() > 1 && x.channels_last)
    fail(Code::invalid_model, "Indices count in ONNX's layout, not in NHWC");
  context.set_output(1, DType::i64, shape);
}

/// Row-major position -> column-major, as storage_order=1 counts it.
std::int64_t column_major(const ops::Windows& windows, std::int64_t position) {
  const auto w = position % windows[2].in;
  const auto h = position / windows[2].in % windows[1].in;
  const auto d = position / windows[2].in / windows[1].in;
  return (w * windows[1].in + h) * windows[0].in + d;
}

void reference(const ReferenceContext& context) {
  const auto x = ops::image_of(context.attributes, context.inputs[0].shape());
  const auto y = ops::image_of(context.attributes, context.outputs[0].shape());
  const auto windows = ops::pooling_windows(context.attributes, x.spatial);
  const bool columns = context.attributes.get_int("storage_order", 0) != 0;
  const bool want_indices = context.outputs.size() > 1 && context.outputs[1].defined();
  visit(context.inputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Number = decltype(ops::compute(zero));
    const auto in = context.inputs[0].data<T>();
    const auto out = context.outputs[0].data<T>();
    ops::for_each_output(windows, [&](std::int64_t position, std::span<const ops::Tap> taps) {
      for (std::int64_t n = 0; n < x.n; ++n)
        for (std::int64_t c = 0; c < x.c; ++c) {
          using Limits = std::numeric_limits<Number>;
          Number best = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
          std::int64_t where = taps.empty() ? 0 : taps.front().position;
          for (const auto& tap : taps) {
            const Number value = ops::compute(in[x.at(n, c, tap.position)]);
            if (!(value > best)) continue;
            best = value;
            where = tap.position;
          }
          out[y.at(n, c, position)] = static_cast<T>(best);
          if (want_indices)
            context.outputs[1].data<std::int64_t>()[y.at(n, c, position)] =
                (n * x.c + c) * x.plane + (columns ? column_major(windows, where) : where);
        }
    });
  });
}

}  // namespace

extern const Op op_MaxPool;
const Op op_MaxPool{
    .name = "MaxPool", .max_outputs = 2, .infer = infer, .reference = reference, .flops = ops::pooling_flops};

}  // namespace halftone
