#include <algorithm>

#include "cuda/conv_wgmma.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// Hopper's tensor-core convolution as a tactic; a config is a tile: "128x128".
namespace halftone::cuda {
namespace {

constexpr std::int64_t kShallow = 512;  // bytes of the inner dimension

struct Row {
  DType from, to;
  std::span<const ConvWgmmaConfig> (*table)();
};

constexpr Row kRows[] = {
    {DType::f8e4m3, DType::f8e4m3, conv_wgmma_fp8},
    {DType::f8e4m3, DType::f32, conv_wgmma_fp8_to_fp32},
    {DType::f8e4m3, DType::f16, conv_wgmma_fp8_to_fp16},
    {DType::f8e4m3, DType::bf16, conv_wgmma_fp8_to_bf16},
    {DType::i8, DType::i8, conv_wgmma_int8},
    {DType::i8, DType::f32, conv_wgmma_int8_to_fp32},
    {DType::i8, DType::f16, conv_wgmma_int8_to_fp16},
    {DType::i8, DType::bf16, conv_wgmma_int8_to_bf16},
    {DType::f16, DType::f16, conv_wgmma_fp16},
    {DType::f16, DType::f8e4m3, conv_wgmma_fp16_to_fp8},
    {DType::f16, DType::i8, conv_wgmma_fp16_to_int8},
    {DType::bf16, DType::bf16, conv_wgmma_bf16},
    {DType::bf16, DType::f8e4m3, conv_wgmma_bf16_to_fp8},
    {DType::bf16, DType::i8, conv_wgmma_bf16_to_int8},
};

/// The tiles for a convolution's types, which differ where a stretch of 8 bits begins or ends; bytes may leave as
/// either kind.
std::span<const ConvWgmmaConfig> table(const FusedConv& conv) {
  const DType to = is_8bit(conv.y_type) ? DType::i8 : conv.y_type;
  for (const auto& row : kRows)
    if (row.from == conv.x_type && row.to == to) return row.table();
  return {};
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  if (!backend_of(backend).hopper()) return Support::no("not a device of compute capability 9.0");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != 1) return Support::no("groups");
  if (table(conv).empty()) return Support::no(fmt::format("{} to {}", name(conv.x_type), name(conv.y_type)));
  if (const auto answer = adds_its_type(conv); !answer) return answer;
  // One block goes through all of a tile's depth: kernels whose blocks share a tile are far ahead where few are deep,
  // and those with smaller tiles where few are shallow.
  const ConvParams p = geometry(conv);
  const std::int64_t tiles = (output_pixels(p) + 63) / 64 * ((conv.o + 127) / 128);
  const std::int64_t depth = conv.kh * conv.kw * conv.c * static_cast<std::int64_t>(size_of(conv.x_type));
  if ((depth > kShallow ? 2 : 1) * tiles < backend_of(backend).processors())
    return Support::no(fmt::format("{} tiles leave most of the device idle", tiles));
  if (const char* why = wgmma_refuses(p, static_cast<int>(size_of(conv.x_type)))) return Support::no(why);
  return Support::yes();
}

/// The tile that keeps the fewest places waiting or empty first.
std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const FusedConv conv = fused_conv_of(problem);
  const WgmmaDepth depth = wgmma_depth(geometry(conv), static_cast<int>(size_of(conv.x_type)));
  const std::int64_t pixels = conv.n * conv.oh * conv.ow, slots = backend_of(backend).processors();
  std::vector<std::pair<std::int64_t, std::string>> ranked;
  for (const auto& config : table(conv)) {
    if (depth.slabs * depth.slab_bytes > config.most_depth || config.stage_bytes < depth.slab_bytes ||
        (conv.has_residual && !config.adds))
      continue;
    const std::int64_t tiles =
        (pixels + config.rows - 1) / config.rows * ((conv.o + config.columns - 1) / config.columns);
    const std::int64_t places = slots * config.blocks;
    ranked.emplace_back((tiles + places - 1) / places * config.blocks * config.rows * config.columns, config.name);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [work, name] : ranked) names.push_back(std::move(name));
  return names;
}

class ConvWgmma : public Prepared {
 public:
  ConvWgmma(const PrepareContext& context, const ConvWgmmaConfig& config)
      : setup_(set_up(context, {.padding = Padding::border,
                                .packing = wgmma_packing(context.problem, config.columns, config.vector)})),
        config_(config) {}
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    check(config_.launch(bind(setup_, args), raw(args.stream)), "cuda.wgmma");
  }

 private:
  ConvSetup setup_;
  ConvWgmmaConfig config_;
};

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  for (const auto& config : table(fused_conv_of(context.problem)))
    if (config.name == context.config) return std::make_unique<ConvWgmma>(context, config);
  fail(Code::unsupported, "cuda.wgmma has no config '{}'", context.config);
}

}  // namespace

extern const Kernel kernel_conv_wgmma;
const Kernel kernel_conv_wgmma{"cuda.wgmma", supports, configs, prepare};

}  // namespace halftone::cuda
