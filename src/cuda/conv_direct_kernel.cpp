#include "cuda/conv_direct.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

namespace halftone::cuda {
namespace {

Support supports(const Problem& problem, const Backend&) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  for (std::size_t i = FusedConv::kW; i < problem.inputs.size(); ++i)
    if (i != FusedConv::kResidual && problem.has(i) && !problem.constant(i))
      return Support::no("weights, bias or scales are not constant");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.has_residual && !has_element(conv.residual_type))
    return Support::no(fmt::format("a residual of {}", name(conv.residual_type)));
  return Support::yes();
}

class ConvDirect : public Prepared {
 public:
  explicit ConvDirect(const PrepareContext& context) : conv_(fused_conv_of(context.problem)) {
    p_.conv = geometry(conv_);
    p_.in = element_of(conv_.x_type);
    p_.weights = element_of(conv_.w_type);
    p_.out = element_of(conv_.y_type);
    if (conv_.has_residual) p_.residual = element_of(conv_.residual_type);
    p_.groups = static_cast<int>(conv_.group);
    p_.activation = static_cast<int>(conv_.act);
    p_.alpha = conv_.alpha;
    p_.beta = conv_.beta;
    weights_ = upload(context, context.constants[FusedConv::kW]);
    p_.conv.weights = weights_.raw();
    Quantisation q;
    if (conv_.quantised()) q = quantisation_of(context.constants[FusedConv::kQuantisation]);
    if (conv_.scaled()) {
      p_.input_zero = q.x_zero;
      const auto w_scale = context.constants[FusedConv::kWeightScale].data<float>();
      std::vector<float> scale(w_scale.begin(), w_scale.end());
      for (float& value : scale) value *= q.x_scale;
      scale_ = upload(context, Tensor::from<float>(Shape{conv_.o}, std::span<const float>(scale)));
      p_.conv.scale = static_cast<const float*>(scale_.raw());
    }
    if (conv_.has_bias) {
      bias_ = upload(context, context.constants[FusedConv::kBias]);
      p_.conv.bias = static_cast<const float*>(bias_.raw());
    }
    if (is_quantised(conv_.residual_type)) {
      p_.conv.residual_scale = q.r_scale;
      p_.residual_zero = q.r_zero;
    }
    if (is_quantised(conv_.y_type)) p_.output_scale = q.y_scale;
    if (is_8bit(conv_.y_type)) {
      p_.conv.output_zero = static_cast<int>(q.y_zero);
      p_.conv.low = conv_.y_type == DType::u8 ? 0.0F : -128.0F;
      p_.conv.high = p_.conv.low + 255.0F;
    }
  }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    DirectParams p = p_;
    p.conv.input = args.inputs[FusedConv::kX];
    if (conv_.has_residual) p.conv.residual = args.inputs[FusedConv::kResidual];
    p.conv.output = args.outputs[0];
    check(conv_direct(p, raw(args.stream)), "cuda.direct");
  }

 private:
  FusedConv conv_;
  DirectParams p_;
  Tensor weights_, scale_, bias_;
};

}  // namespace

extern const Kernel kernel_conv_direct;
const Kernel kernel_conv_direct{.name = "cuda.direct",
                                .supports = supports,
                                .configs = [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
                                .prepare = [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                                  return std::make_unique<ConvDirect>(context);
                                },
                                .takes_any = true};

}  // namespace halftone::cuda
