#include "cuda/conv_strip.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// Hopper's 3x3 convolution of strips as a tactic; a config is channels by bytes of a pixel: "64/128", with one strip at
// a time where "/1" follows.
namespace halftone::cuda {
namespace {

std::span<const ConvStripConfig> table(DType dtype) {
  switch (dtype) {
    case DType::f8e4m3: return conv_strip_fp8();
    case DType::i8: return conv_strip_int8();
    case DType::f16: return conv_strip_fp16();
    case DType::bf16: return conv_strip_bf16();
    default: return {};
  }
}

/// The configs that have room for a strip; the narrowest that has all channels comes first.
std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const FusedConv conv = fused_conv_of(problem);
  const ConvParams p = geometry(conv);
  const int limit = static_cast<int>(backend_of(backend).shared_limit()) - kStripStaticBytes;
  std::vector<std::string> names;
  for (const auto& config : table(conv.x_type)) {
    if (conv.c * static_cast<std::int64_t>(size_of(conv.x_type)) != config.slab_bytes) continue;
    if (config.columns > 64 && conv.o <= 64) continue;
    if (plan_strips(p, config, limit).lines > 0) names.emplace_back(config.name);
  }
  return names;
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  if (!backend_of(backend).hopper()) return Support::no("not a device of compute capability 9.0");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != 1) return Support::no("groups");
  if (table(conv.x_type).empty()) return Support::no(fmt::format("no kernel for {}", name(conv.x_type)));
  if (const auto answer = keeps_type(conv); !answer) return answer;
  if (const auto answer = adds_its_type(conv); !answer) return answer;
  const ConvParams p = geometry(conv);
  if (const char* why = strip_refuses(p, static_cast<int>(size_of(conv.x_type)))) return Support::no(why);
  if (configs(problem, backend).empty()) return Support::no("no strip fits into shared memory");
  // Strips of two lines or more go to a warpgroup each.
  const std::int64_t strips = conv.n * conv.oh / 4 * ((conv.o + 127) / 128);
  if (strips < 2 * backend_of(backend).processors())
    return Support::no(fmt::format("about {} strips leave most of the device idle", strips));
  return Support::yes();
}

class ConvStrip : public Prepared {
 public:
  ConvStrip(const PrepareContext& context, const ConvStripConfig& config)
      : setup_(set_up(context, {.padding = Padding::border,
                                .packing = wgmma_packing(context.problem, config.columns, config.vector)})),
        config_(config) {}
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    check(config_.launch(bind(setup_, args), raw(args.stream)), "cuda.strip");
  }

 private:
  ConvSetup setup_;
  ConvStripConfig config_;
};

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  for (const auto& config : table(context.problem.input(FusedConv::kX).dtype))
    if (config.name == context.config) return std::make_unique<ConvStrip>(context, config);
  fail(Code::unsupported, "cuda.strip has no config '{}'", context.config);
}

}  // namespace

extern const Kernel kernel_conv_strip;
const Kernel kernel_conv_strip{"cuda.strip", supports, configs, prepare};

}  // namespace halftone::cuda
