#include "cpu/depthwise.h"

#include <algorithm>

#include "backend/backend.h"
#include "cpu/affine_of.h"
#include "cpu/plain.h"

// FusedConv with one filter a channel, f32, bf16 or 8-bit, summed in float.
namespace halftone::cpu {
namespace {

class DepthwiseConv : public Prepared {
 public:
  DepthwiseConv(const PrepareContext& context, const FusedConv& conv, Depthwise kernel)
      : conv_(conv),
        kernel_(kernel),
        affine_(affine_of(conv, context.constants, {})),
        stride_((conv.c + 15) / 16 * 16) {
    if (conv.is_int8()) x_zero_ = quantisation_of(context.constants[FusedConv::kQuantisation]).x_zero;
    const Tensor& w = context.constants[FusedConv::kW];
    weights_ = context.weights.get(w, "depthwise", [&] {
      const std::int64_t taps = conv.kh * conv.kw;
      const Tensor plain = w.to(DType::f32);
      Tensor packed(DType::f32, Shape{taps, stride_});
      const auto from = plain.data<float>();
      const auto to = packed.data<float>();
      std::fill(to.begin(), to.end(), 0.0f);
      for (std::int64_t c = 0; c < conv.c; ++c)
        for (std::int64_t t = 0; t < taps; ++t)
          to[static_cast<std::size_t>(t * stride_ + c)] = from[static_cast<std::size_t>(c * taps + t)];
      return packed;
    });
  }

  int in_place_input() const override {
    return conv_.has_residual && size_of(conv_.residual_type) == size_of(conv_.y_type) ? int{FusedConv::kResidual} : -1;
  }
  bool reads_constant(std::size_t) const override { return false; }

  void run(const RunArgs& args) const override {
    DepthwiseTask whole{};
    whole.x = args.inputs[FusedConv::kX];
    whole.x_type = element_of(conv_.x_type);
    whole.x_zero = x_zero_;
    whole.h = conv_.h, whole.w = conv_.w, whole.channels = conv_.c, whole.oh = conv_.oh, whole.ow = conv_.ow;
    whole.kh = static_cast<int>(conv_.kh), whole.kw = static_cast<int>(conv_.kw);
    whole.stride_h = static_cast<int>(conv_.stride_h), whole.stride_w = static_cast<int>(conv_.stride_w);
    whole.dilation_h = static_cast<int>(conv_.dilation_h), whole.dilation_w = static_cast<int>(conv_.dilation_w);
    whole.pad_top = static_cast<int>(conv_.pad_top), whole.pad_left = static_cast<int>(conv_.pad_left);
    whole.weights = static_cast<const float*>(weights_.raw());
    whole.weight_stride = stride_;
    whole.affine = affine_.view();
    whole.residual_type = conv_.has_residual ? element_of(conv_.residual_type) : Element::none;
    whole.y_type = element_of(conv_.y_type);
    whole.residual = conv_.has_residual ? args.inputs[FusedConv::kResidual] : nullptr;
    whole.y = args.outputs[0];
    const std::int64_t lines = conv_.n * conv_.oh;
#pragma omp parallel for schedule(static)
    for (std::int64_t line = 0; line < lines; ++line) {
      DepthwiseTask task = whole;
      task.line_begin = line;
      task.line_end = line + 1;
      kernel_(task);
    }
  }

 private:
  FusedConv conv_;
  Depthwise kernel_;
  OwnedAffine affine_;
  std::int64_t stride_;
  float x_zero_ = 0;
  Tensor weights_;
};

Support accepts(const Problem& problem) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != conv.c || conv.o != conv.c) return Support::no("not one filter a channel");
  if (element_of(conv.x_type) == Element::none) return Support::no("x is f16");
  if (conv.kh * conv.kw > 512) return Support::no("more than 512 taps");
  if (problem.output().shape.count() == 0) return Support::no("it is empty");
  return is_affine(problem, conv);
}

Support supports_avx512(const Problem& problem, const Backend& backend) {
  return backend.has("avx512") ? accepts(problem) : Support::no("no avx512 here");
}

/// Small channel counts fill eight lanes better than sixteen, so this form races its newer sister.
Support supports_avx2(const Problem& problem, const Backend& backend) {
  const auto answer = accepts(problem);
  if (answer && backend.has("avx512") && problem.input(0).shape[3] % 16 == 0)
    return Support::no("avx512.depthwise is newer");
  return answer;
}

template <const Depthwise& kTable>
std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  return std::make_unique<DepthwiseConv>(context, fused_conv_of(context.problem), kTable);
}

}  // namespace

extern const Kernel kernel_avx2_depthwise, kernel_avx512_depthwise;
const Kernel kernel_avx2_depthwise{"avx2.depthwise", supports_avx2, plain::one_config, prepare<depthwise_avx2>};
const Kernel kernel_avx512_depthwise{"avx512.depthwise", supports_avx512, plain::one_config, prepare<depthwise_avx512>};

}  // namespace halftone::cpu
