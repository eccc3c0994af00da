#include <algorithm>

#include "cuda/cuda_error.h"
#include "cuda/cudnn_conv.h"
#include "cuda/fused_conv_setup.h"
#include "cuda/product_finish.h"

// cuDNN's fused convolutions as tactics; a config is one of its engines, "engine4.2", or "plain.engine4.2"
// where our own epilogue follows.
namespace halftone::cuda {
namespace {

constexpr int kMostPlans = 5;
constexpr std::string_view kPlain = "plain.";
constexpr std::size_t kLittleWorkspace = std::size_t{1} << 30;  // bytes that any card has

/// `plain`: the convolution alone, for an epilogue of ours.
CudnnConvDescription describe(const FusedConv& conv, bool plain, const Backend& backend) {
  CudnnConvDescription d;
  d.most_workspace = std::max(kLittleWorkspace, backend.info().memory_bytes / 16);
  d.shape = geometry(conv);
  switch (conv.x_type) {
    case DType::f32: d.type = conv.tf32 ? CudnnType::kTf32 : CudnnType::kFloat32; break;
    case DType::f16: d.type = CudnnType::kFloat16; break;
    case DType::bf16: d.type = CudnnType::kBfloat16; break;
    case DType::f8e4m3: d.type = CudnnType::kFloat8; break;
    default: d.type = CudnnType::kInt8;
  }
  d.groups = static_cast<int>(conv.group);
  if (plain) return d;
  d.bias = conv.has_bias || conv.scaled();
  d.residual = conv.has_residual;
  d.relu = conv.act == Activation::relu;
  d.rescale = conv.scaled() && conv.has_residual;
  return d;
}

std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const auto& device = backend_of(backend);
  return device.remembered("cudnn.conv " + problem.text(), [&] {
    const std::lock_guard lock(device.setup_mutex());
    std::string why;
    const FusedConv conv = fused_conv_of(problem);
    auto names = cudnn_conv_names(device.setup_stream().cudnn(), describe(conv, false, backend), kMostPlans, &why);
    // Without tensor cores cuDNN's fused engines are few, and some of them very slow.
    if (conv.x_type == DType::f32 && conv.y_type == DType::f32 && !conv.tf32)
      for (const auto& name :
           cudnn_conv_names(device.setup_stream().cudnn(), describe(conv, true, backend), kMostPlans, &why))
        names.push_back(std::string(kPlain) + name);
    return names;
  });
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (conv.act == Activation::clip) return Support::no("clip is not fused");
  if (conv.x_type == DType::u8) return Support::no("cuDNN has no u8 input");
  if (conv.y_type != conv.x_type) return Support::no(fmt::format("{} to {}", name(conv.x_type), name(conv.y_type)));
  if (conv.has_residual && conv.residual_type != conv.y_type)
    return Support::no(fmt::format("a residual of {}", name(conv.residual_type)));
  if (conv.scaled() && !conv.symmetric) return Support::no("zero points");
  if (conv.scaled() && (conv.c % 16 || conv.o % 16 || conv.group != 1))
    return Support::no("8-bit channels are no multiples of 16");
  return configs(problem, backend).empty() ? Support::no("cuDNN has no engine for it") : Support::yes();
}

class CudnnConv : public Prepared {
 public:
  explicit CudnnConv(const PrepareContext& context)
      : setup_(set_up(context, {.divide_residual = fused_conv_of(context.problem).scaled()})),
        plain_(context.config.starts_with(kPlain)) {
    const auto& device = backend_of(context.backend);
    // Building a plan may compile code, and a network asks for the same one again and again.
    const auto key = fmt::format("cudnn.conv {} {}", context.config, context.problem.text());
    plan_ = std::static_pointer_cast<const CudnnConvPlan>(device.shared(key, [&]() -> std::shared_ptr<const void> {
      const std::lock_guard lock(device.setup_mutex());
      const std::string wanted(context.config.substr(plain_ ? kPlain.size() : 0));
      std::string why;
      auto plans = cudnn_conv_plans(device.setup_stream().cudnn(), describe(setup_.conv, plain_, device), kMostPlans,
                                    &why, &wanted);
      if (plans.empty()) fail(Code::unsupported, "{}", why);
      return std::move(plans.front());
    }));
  }
  std::size_t workspace_bytes() const override { return plan_->workspace_bytes(); }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    ConvParams p = bind(setup_, args);
    p.workspace_bytes = plan_->workspace_bytes();
    auto& stream = static_cast<CudaStream&>(*args.stream);
    check(plan_->run(stream.cudnn(), p, stream.get()), "cudnn.conv");
    if (!plain_) return;
    const Element residual = p.residual ? element_of(setup_.conv.residual_type) : Element::kFloat32;
    check(finish_product(p, p.output, false, residual, Element::kFloat32, stream.get()), "cudnn.conv");
  }

 private:
  ConvSetup setup_;
  bool plain_;
  std::shared_ptr<const CudnnConvPlan> plan_;
};

}  // namespace

extern const Kernel kernel_cudnn_conv;
const Kernel kernel_cudnn_conv{
    "cudnn.conv", supports, configs,
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<CudnnConv>(context); }};

}  // namespace halftone::cuda
