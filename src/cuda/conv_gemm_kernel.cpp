#include <algorithm>
#include <charconv>
#include <cstring>

#include "cuda/conv_gemm.h"
#include "cuda/copy.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// Our tensor-core convolution as a tactic. A config is a tile and the number of blocks that share one: "128x64/2".
namespace halftone::cuda {
namespace {

constexpr std::size_t kCounterBytes = std::size_t{1} << 16;
constexpr std::size_t kAlignment = 256;   // of what lies in the workspace
constexpr std::int64_t kFewChannels = 4;  // of a first layer, which cuda.stem takes without filling them up

/// Channels that are copied at once, 16 bytes.
std::int64_t chunk_of(const FusedConv& conv) { return static_cast<std::int64_t>(16 / size_of(conv.x_type)); }

/// The channels that are multiplied: whole chunks.
std::int64_t filled_channels(const FusedConv& conv) {
  return (conv.c + chunk_of(conv) - 1) / chunk_of(conv) * chunk_of(conv);
}

struct Row {
  DType from, to;
  std::span<const ConvGemmConfig> (*table)();
};

constexpr Row kRows[] = {
    {DType::i8, DType::i8, conv_gemm_int8},
    {DType::i8, DType::f32, conv_gemm_int8_to_fp32},
    {DType::i8, DType::f16, conv_gemm_int8_to_fp16},
    {DType::i8, DType::bf16, conv_gemm_int8_to_bf16},
    {DType::u8, DType::i8, conv_gemm_uint8},
    {DType::u8, DType::f32, conv_gemm_uint8_to_fp32},
    {DType::f16, DType::f16, conv_gemm_fp16},
    {DType::f16, DType::f32, conv_gemm_fp16_to_fp32},
    {DType::f16, DType::i8, conv_gemm_fp16_to_int8},
    {DType::f16, DType::f8e4m3, conv_gemm_fp16_to_fp8},
    {DType::bf16, DType::bf16, conv_gemm_bf16},
    {DType::bf16, DType::f32, conv_gemm_bf16_to_fp32},
    {DType::bf16, DType::i8, conv_gemm_bf16_to_int8},
    {DType::bf16, DType::f8e4m3, conv_gemm_bf16_to_fp8},
    {DType::f8e4m3, DType::f8e4m3, conv_gemm_fp8},
    {DType::f8e4m3, DType::f32, conv_gemm_fp8_to_fp32},
    {DType::f8e4m3, DType::f16, conv_gemm_fp8_to_fp16},
    {DType::f8e4m3, DType::bf16, conv_gemm_fp8_to_bf16},
};

/// The tiles for a convolution's types; bytes may leave as either kind.
std::span<const ConvGemmConfig> table(const FusedConv& conv) {
  if (conv.x_type == DType::f32 && conv.y_type == DType::f32 && conv.tf32) return conv_gemm_tf32();
  const DType to = is_8bit(conv.y_type) ? DType::i8 : conv.y_type;
  for (const auto& row : kRows)
    if (row.from == conv.x_type && row.to == to) return row.table();
  return {};
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != 1) return Support::no("groups");
  if (table(conv).empty()) return Support::no(fmt::format("{} to {}", name(conv.x_type), name(conv.y_type)));
  if (const auto answer = has_products(backend, conv.x_type); !answer) return answer;
  if (conv.y_type != DType::f32)  // what leaves another type is compiled with that type's products
    if (const auto answer = has_products(backend, conv.y_type); !answer) return answer;
  if (const auto answer = adds_its_type(conv); !answer) return answer;
  if (conv.c <= kFewChannels && conv.c % chunk_of(conv)) return Support::no(fmt::format("{} channels", conv.c));
  return Support::yes();
}

/// Tiles that fill the device best first; a tile is shared by several blocks only where there are too few.
std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const FusedConv conv = fused_conv_of(problem);
  const std::int64_t pixels = conv.n * conv.oh * conv.ow;
  const std::int64_t steps =
      conv.kh * conv.kw * filled_channels(conv) * static_cast<std::int64_t>(size_of(conv.x_type)) / 64;
  const CudaBackend& device = backend_of(backend);
  const std::int64_t slots = device.processors();
  std::vector<std::pair<double, std::string>> ranked;
  for (const auto& config : table(conv)) {
    if (static_cast<std::size_t>(config.shared_bytes(device.capability())) > device.shared_limit()) continue;
    const std::int64_t tiles =
        (pixels + config.rows - 1) / config.rows * ((conv.o + config.columns - 1) / config.columns);
    for (const std::int64_t splits : {1, 2, 4, 8, 16, 32}) {
      if (splits > 1 && (tiles * splits > 4 * slots || steps < 2 * splits)) break;
      if (splits > 1 && static_cast<std::size_t>(tiles) * sizeof(unsigned) > kCounterBytes) break;
      // Rounds of blocks, times a block's work; smaller tiles reach less of the peak.
      const double rounds = static_cast<double>((tiles * splits + 2 * slots - 1) / (2 * slots));
      const double work = static_cast<double>(config.rows * config.columns) * static_cast<double>(steps / splits + 6);
      const double lost = 1.0 + 2048.0 / static_cast<double>(config.rows * config.columns);
      ranked.emplace_back(rounds * work * lost, fmt::format("{}/{}", config.name, splits));
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), 6); ++i) names.push_back(ranked[i].second);
  return names;
}

struct Counters : KernelState {
  Counters() {
    check(cudaMalloc(&data, kCounterBytes), "allocating counters");
    check(cudaMemset(data, 0, kCounterBytes), "clearing counters");
    // It returns before the device is through, and streams that run kernels do not wait for the one it is on.
    check(cudaStreamSynchronize(cudaStreamLegacy), "clearing counters");
  }
  ~Counters() override { cudaFree(data); }
  void* data = nullptr;
};

/// OHWI weights with zeros behind the channels of each tap.
std::vector<std::byte> fill_channels(const Tensor& weights, const FusedConv& conv) {
  const auto from = static_cast<std::size_t>(conv.c) * size_of(conv.x_type);
  const auto to = static_cast<std::size_t>(filled_channels(conv)) * size_of(conv.x_type);
  const auto taps = static_cast<std::size_t>(conv.o * conv.kh * conv.kw);
  std::vector<std::byte> filled(taps * to);
  for (std::size_t tap = 0; tap < taps; ++tap)
    std::memcpy(filled.data() + tap * to, static_cast<const std::byte*>(weights.raw()) + tap * from, from);
  return filled;
}

WeightPacking packing(const Problem& problem) {
  const FusedConv conv = fused_conv_of(problem);
  if (conv.c % chunk_of(conv) == 0) return {};
  return {fmt::format("cuda.gemm filled {}x{}", conv.kh, conv.kw),
          [conv](const Tensor& weights, const ConvParams&) { return fill_channels(weights, conv); }};
}

class ConvGemm : public Prepared {
 public:
  ConvGemm(const PrepareContext& context, const ConvGemmConfig& config, int splits)
      : setup_(set_up(context, {.padding = Padding::border, .packing = packing(context.problem)})),
        config_(config),
        splits_(splits) {
    const FusedConv& conv = setup_.conv;
    if (conv.c % chunk_of(conv)) {
      setup_.params.channels = setup_.params.input_pitch = static_cast<int>(filled_channels(conv));
      const auto bytes = static_cast<std::size_t>(conv.n * conv.h * conv.w) * pixel_bytes();
      filled_bytes_ = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    setup_.params.workspace_bytes = config.workspace(setup_.params, splits);
  }
  std::size_t workspace_bytes() const override { return filled_bytes_ + setup_.params.workspace_bytes; }
  std::unique_ptr<KernelState> make_state() const override {
    return splits_ > 1 ? std::make_unique<Counters>() : nullptr;
  }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    const FusedConv& conv = setup_.conv;
    ConvParams p = bind(setup_, args);
    if (filled_bytes_ > 0) {
      const auto from = static_cast<int>(conv.c) * static_cast<int>(size_of(conv.x_type));
      check(widen_rows(p.input, args.workspace, conv.n * conv.h * conv.w, from, static_cast<int>(pixel_bytes()),
                       raw(args.stream)),
            "cuda.gemm");
      p.input = args.workspace;
      p.workspace = static_cast<std::byte*>(args.workspace) + filled_bytes_;
    }
    if (splits_ > 1) p.counters = static_cast<unsigned*>(static_cast<Counters*>(args.state)->data);
    check(config_.launch(p, splits_, raw(args.stream)), "cuda.gemm");
  }

 private:
  std::size_t pixel_bytes() const {
    return static_cast<std::size_t>(filled_channels(setup_.conv)) * size_of(setup_.conv.x_type);
  }

  ConvSetup setup_;
  ConvGemmConfig config_;
  int splits_;
  std::size_t filled_bytes_ = 0;  ///< of the input with its channels filled up, before the workspace of the blocks
};

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  const FusedConv conv = fused_conv_of(context.problem);
  const auto slash = context.config.find('/');
  int splits = 0;
  if (slash != std::string_view::npos)
    std::from_chars(context.config.data() + slash + 1, context.config.data() + context.config.size(), splits);
  for (const auto& config : table(conv))
    if (splits >= 1 && config.name == context.config.substr(0, slash))
      return std::make_unique<ConvGemm>(context, config, splits);
  fail(Code::unsupported, "cuda.gemm has no config '{}'", context.config);
}

}  // namespace

extern const Kernel kernel_conv_gemm;
const Kernel kernel_conv_gemm{"cuda.gemm", supports, configs, prepare};

}  // namespace halftone::cuda
