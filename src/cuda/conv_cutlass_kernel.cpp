#include "cuda/conv_cutlass.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// CUTLASS's products as a tactic for 1x1 convolutions; a config is a tile: "128x64".
namespace halftone::cuda {
namespace {

std::span<const CutlassConfig> table(DType dtype) {
  switch (dtype) {
    case DType::i8: return conv_cutlass_int8();
    case DType::f8e4m3: return conv_cutlass_fp8();
    case DType::f16: return conv_cutlass_fp16();
    case DType::bf16: return conv_cutlass_bf16();
    default: return {};
  }
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  if (!backend_of(backend).hopper()) return Support::no("not a device of compute capability 9.0");
  const FusedConv conv = fused_conv_of(problem);
  if (!conv.pointwise() || conv.group != 1) return Support::no("not a 1x1 convolution of one group");
  if (conv.stride_h != 1 || conv.stride_w != 1) return Support::no("strides");
  if (table(conv.x_type).empty()) return Support::no(fmt::format("no kernel for {}", name(conv.x_type)));
  if (conv.y_type != conv.x_type) return Support::no(fmt::format("{} to {}", name(conv.x_type), name(conv.y_type)));
  if (conv.has_residual && conv.residual_type != conv.y_type)
    return Support::no(fmt::format("a residual of {}", name(conv.residual_type)));
  if (conv.scaled() && !conv.symmetric) return Support::no("zero points");
  const auto chunk = static_cast<std::int64_t>(16 / size_of(conv.x_type));
  if (conv.c % chunk || conv.o % chunk) return Support::no(fmt::format("channels are no multiples of {}", chunk));
  return Support::yes();
}

std::vector<std::string> configs(const Problem& problem, const Backend&) {
  const FusedConv conv = fused_conv_of(problem);
  std::vector<std::string> names;
  for (const auto& config : table(conv.x_type))
    if (config.residual == conv.has_residual) names.emplace_back(config.name);
  return names;
}

class ConvCutlass : public Prepared {
 public:
  ConvCutlass(const PrepareContext& context, const CutlassConfig& config) : setup_(set_up(context)), config_(config) {
    setup_.params.workspace_bytes = config.workspace(setup_.params);
  }
  std::size_t workspace_bytes() const override { return setup_.params.workspace_bytes; }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    check(config_.launch(bind(setup_, args), raw(args.stream)), "cutlass.product");
  }

 private:
  ConvSetup setup_;
  CutlassConfig config_;
};

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  const FusedConv conv = fused_conv_of(context.problem);
  for (const auto& config : table(conv.x_type))
    if (config.name == context.config && config.residual == conv.has_residual)
      return std::make_unique<ConvCutlass>(context, config);
  fail(Code::unsupported, "cutlass.product has no config '{}'", context.config);
}

}  // namespace

extern const Kernel kernel_conv_cutlass;
const Kernel kernel_conv_cutlass{"cutlass.product", supports, configs, prepare};

}  // namespace halftone::cuda
