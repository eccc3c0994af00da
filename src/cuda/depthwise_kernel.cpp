#include <cstring>

#include "cuda/cuda_error.h"
#include "cuda/depthwise.h"
#include "cuda/fused_conv_setup.h"

namespace halftone::cuda {
namespace {

Support supports(const Problem& problem, const Backend&) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (!conv.depthwise()) return Support::no("not depthwise");
  const bool to_float = conv.scaled() && conv.y_type == DType::f32;
  if (!narrows(conv) && !widens(conv) && !to_float)
    if (const auto answer = keeps_type(conv); !answer) return answer;
  if (conv.has_residual && conv.residual_type != conv.y_type)
    return Support::no(fmt::format("a residual of {}", name(conv.residual_type)));
  return Support::yes();
}

/// [C][KH][KW][1] to [KH][KW][C].
std::vector<std::byte> channels_last(const Tensor& weights, const ConvParams& p) {
  std::vector<std::byte> packed(weights.bytes());
  const auto size = size_of(weights.dtype());
  const auto* from = static_cast<const std::byte*>(weights.raw());
  const auto taps = static_cast<std::size_t>(p.kernel_height) * static_cast<std::size_t>(p.kernel_width);
  const auto channels = static_cast<std::size_t>(p.channels);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t tap = 0; tap < taps; ++tap)
      std::memcpy(packed.data() + (tap * channels + c) * size, from + (c * taps + tap) * size, size);
  return packed;
}

class Depthwise : public Prepared {
 public:
  explicit Depthwise(const PrepareContext& context)
      : setup_(set_up(context, {.padding = Padding::border, .packing = {"cuda.depthwise", channels_last}})) {}
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    check(
        depthwise(bind(setup_, args), element_of(setup_.conv.x_type), element_of(setup_.conv.y_type), raw(args.stream)),
        "cuda.depthwise");
  }

 private:
  ConvSetup setup_;
};

}  // namespace

extern const Kernel kernel_depthwise;
const Kernel kernel_depthwise{
    "cuda.depthwise", supports, [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<Depthwise>(context); }};

}  // namespace halftone::cuda
