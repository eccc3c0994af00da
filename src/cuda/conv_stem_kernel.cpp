#include "cuda/conv_stem.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// A network's first convolution as a tactic. u8 input is shifted to s8 while it is staged, with its zero point.
namespace halftone::cuda {
namespace {

StemCompute compute_of(DType dtype) {
  if (is_8bit(dtype)) return StemCompute::kInt8;
  if (dtype == DType::f32) return StemCompute::kTf32;
  if (dtype == DType::f8e4m3) return StemCompute::kFp8;
  return dtype == DType::f16 ? StemCompute::kFp16 : StemCompute::kBf16;
}

StemParams describe(const FusedConv& conv) {
  StemParams p;
  p.conv = geometry(conv);
  p.compute = compute_of(conv.x_type);
  p.bytes = conv.x_type == DType::u8;
  p.out = element_of(conv.y_type);
  return p;
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != 1) return Support::no("groups");
  if (conv.has_residual) return Support::no("a residual input");
  if (conv.x_type == DType::f32 && !conv.tf32) return Support::no("no tensor cores for f32");
  if (!narrows(conv))
    if (const auto answer = keeps_type(conv); !answer) return answer;
  if (const auto answer = has_products(backend, conv.x_type); !answer) return answer;
  if (const char* why = stem_refusal(describe(conv), backend_of(backend).shared_limit())) return Support::no(why);
  return Support::yes();
}

WeightPacking packing(const Problem& problem) {
  const FusedConv conv = fused_conv_of(problem);
  const auto output_bytes = static_cast<int>(size_of(conv.y_type));
  return {fmt::format("cuda.stem {}x{} {}", conv.kh, conv.kw, output_bytes),
          [=, compute = compute_of(conv.x_type)](const Tensor& weights, const ConvParams& p) {
            std::vector<std::byte> packed(stem_weight_count(p, compute) * size_of(weights.dtype()));
            pack_stem_weights(p, compute, output_bytes, weights.raw(), packed.data());
            return packed;
          }};
}

class ConvStem : public Prepared {
 public:
  explicit ConvStem(const PrepareContext& context) : stem_(describe(fused_conv_of(context.problem))) {
    const float shift = stem_.bytes ? kByteShift : 0.0F;
    setup_ =
        set_up(context, {.padding = Padding::zero_point, .input_shift = shift, .packing = packing(context.problem)});
    if (setup_.conv.scaled()) stem_.padding = setup_.quantisation.x_zero - shift;
  }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    StemParams p = stem_;
    p.conv = bind(setup_, args);
    check(conv_stem(p, raw(args.stream)), "cuda.stem");
  }

 private:
  StemParams stem_;
  ConvSetup setup_;
};

}  // namespace

extern const Kernel kernel_conv_stem;
const Kernel kernel_conv_stem{
    "cuda.stem", supports, [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<ConvStem>(context); }};

}  // namespace halftone::cuda
