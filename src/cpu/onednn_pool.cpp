#include "cpu/onednn_row.h"
#include "graph/ops/window.h"

// MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool on images of rank 4, and LRN across channels.
namespace halftone::cpu {
namespace onednn {

Support has_types(const Problem& problem, bool eight_bit) {
  for (const TensorType* type : {&problem.input(0), &problem.output()}) {
    const bool small = is_8bit(type->dtype);
    if (!(type->dtype == DType::f32 || type->dtype == DType::bf16 || (small && eight_bit)))
      return Support::no(fmt::format("oneDNN has no {} form", name(type->dtype)));
  }
  return Support::yes();
}

dnnl::memory::desc image(const Problem& problem, const TensorType& type) {
  if (problem.attributes.get_string("layout", "NCHW") == "NHWC") return nhwc(type);
  return row_major(type);
}

}  // namespace onednn

namespace {

using namespace onednn;

struct Pool {
  using Primitive = dnnl::pooling_v2_forward;
  static constexpr int kInPlace = -1;

  static bool average(const Problem& problem) { return problem.op.ends_with("AveragePool"); }

  /// Padding after the end that makes the output this long, a partial last window included.
  static std::int64_t after(const ops::Window& w) {
    return std::max<std::int64_t>(0, (w.out - 1) * w.stride + w.reach() - w.in - w.pad_begin);
  }

  static Support accepts(const Problem& problem) {
    if (problem.op != "MaxPool" && problem.op != "AveragePool" && problem.op != "GlobalMaxPool" &&
        problem.op != "GlobalAveragePool")
      return Support::no("not a pooling");
    if (problem.input(0).shape.rank() != 4) return Support::no("not an image of rank 4");
    if (problem.outputs.size() > 1 && problem.outputs[1].known()) return Support::no("indices are wanted");
    for (const auto& w : ops::pooling_windows(problem)) {
      if (w.pad_begin >= w.reach() || after(w) >= w.reach()) return Support::no("a window lies in the padding");
      if (average(problem) && problem.attributes.get_int("count_include_pad", 0) != 0 && after(w) > w.pad_end)
        return Support::no("a window hangs over the padding");
      if (average(problem) && w.dilation != 1) return Support::no("a dilated average");
    }
    return has_types(problem, !average(problem));
  }

  static Choice<Primitive> choice(const Problem& problem) {
    const auto w = ops::pooling_windows(problem);
    const auto algorithm = !average(problem) ? dnnl::algorithm::pooling_max
                           : problem.attributes.get_int("count_include_pad", 0)
                               ? dnnl::algorithm::pooling_avg_include_padding
                               : dnnl::algorithm::pooling_avg_exclude_padding;
    return {{dnnl::prop_kind::forward_inference, algorithm, image(problem, problem.input(0)),
             image(problem, problem.output()), dnnl::memory::dims{w[1].stride, w[2].stride},
             dnnl::memory::dims{w[1].kernel, w[2].kernel}, dnnl::memory::dims{w[1].dilation - 1, w[2].dilation - 1},
             dnnl::memory::dims{w[1].pad_begin, w[2].pad_begin}, dnnl::memory::dims{after(w[1]), after(w[2])}},
            user_scratchpad()};
  }

  static std::vector<Argument> arguments(const Problem&, const Primitive::primitive_desc& desc) {
    return source_and_destination(desc);
  }
};

struct Lrn {
  using Primitive = dnnl::lrn_forward;
  static constexpr int kInPlace = -1;

  static Support accepts(const Problem& problem) {
    if (problem.op != "LRN") return Support::no("not an LRN");
    if (problem.input(0).shape.rank() != 4) return Support::no("not an image of rank 4");
    if (problem.attributes.get_int("size", 1) % 2 == 0) return Support::no("an even size");
    return has_types(problem, false);
  }

  static Choice<Primitive> choice(const Problem& problem) {
    const auto number = [&](const char* name, double otherwise) {
      return static_cast<float>(problem.attributes.get_float(name, otherwise));
    };
    return {{dnnl::prop_kind::forward_inference, dnnl::algorithm::lrn_across_channels, image(problem, problem.input(0)),
             problem.attributes.get_int("size", 1), number("alpha", 1e-4), number("beta", 0.75), number("bias", 1)},
            user_scratchpad()};
  }

  static std::vector<Argument> arguments(const Problem&, const Primitive::primitive_desc& desc) {
    return source_and_destination(desc);
  }
};

}  // namespace

extern const Kernel kernel_onednn_pool, kernel_onednn_lrn;
const Kernel kernel_onednn_pool = Row<Pool>::kernel("onednn.pool");
const Kernel kernel_onednn_lrn = Row<Lrn>::kernel("onednn.lrn");

}  // namespace halftone::cpu
