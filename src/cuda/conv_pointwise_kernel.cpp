#include "cuda/conv_pointwise.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// The streaming 1x1 convolution as a tactic; a config is a tile and its stages: "64x256x3".
namespace halftone::cuda {
namespace {

std::span<const PointwiseConfig> table(DType dtype) {
  switch (dtype) {
    case DType::i8: return conv_pointwise_int8();
    case DType::u8: return conv_pointwise_uint8();
    case DType::f8e4m3: return conv_pointwise_fp8();
    case DType::f16: return conv_pointwise_fp16();
    case DType::bf16: return conv_pointwise_bf16();
    default: return {};
  }
}

std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const FusedConv conv = fused_conv_of(problem);
  ConvParams p = geometry(conv);
  if (conv.has_residual) p.residual = &p;  // only whether there is one counts
  std::vector<std::string> names;
  for (const auto& config : table(conv.x_type))
    if (config.shared_bytes(p) <= backend_of(backend).shared_limit()) names.emplace_back(config.name);
  return names;
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (!conv.pointwise() || conv.group != 1) return Support::no("not a 1x1 convolution of one group");
  if (table(conv.x_type).empty()) return Support::no(fmt::format("no tensor cores for {}", name(conv.x_type)));
  if (backend_of(backend).capability() < 80) return Support::no("no asynchronous copies before compute capability 8.0");
  if (const auto answer = has_products(backend, conv.x_type); !answer) return answer;
  if (const auto answer = keeps_type(conv); !answer) return answer;
  if (const auto answer = adds_its_type(conv); !answer) return answer;
  const auto chunk = static_cast<std::int64_t>(16 / size_of(conv.x_type));
  if (conv.c % chunk || conv.o % chunk) return Support::no(fmt::format("channels are no multiples of {}", chunk));
  if (configs(problem, backend).empty()) return Support::no("the weights of a tile exceed shared memory");
  return Support::yes();
}

class ConvPointwise : public Prepared {
 public:
  ConvPointwise(const PrepareContext& context, const PointwiseConfig& config)
      : setup_(set_up(context)), config_(config) {}
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    check(config_.launch(bind(setup_, args), raw(args.stream)), "cuda.pointwise");
  }

 private:
  ConvSetup setup_;
  PointwiseConfig config_;
};

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  for (const auto& config : table(context.problem.input(FusedConv::kX).dtype))
    if (config.name == context.config) return std::make_unique<ConvPointwise>(context, config);
  fail(Code::unsupported, "cuda.pointwise has no config '{}'", context.config);
}

}  // namespace

extern const Kernel kernel_conv_pointwise;
const Kernel kernel_conv_pointwise{"cuda.pointwise", supports, configs, prepare};

}  // namespace halftone::cuda
