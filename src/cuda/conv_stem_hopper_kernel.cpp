#include "cuda/conv_stem_hopper.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// A network's first convolution by Hopper's warpgroup products as a tactic.
namespace halftone::cuda {
namespace {

DType product_type(const FusedConv& conv) {
  if (stem_hopper_value_bytes(geometry(conv), element_of(conv.x_type)) == 1) return DType::i8;
  return conv.x_type == DType::bf16 ? DType::bf16 : DType::f16;
}

int output_bytes(const FusedConv& conv) { return static_cast<int>(size_of(conv.y_type)); }

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  if (!backend_of(backend).hopper()) return Support::no("not a device of compute capability 9.0");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != 1) return Support::no("groups");
  if (conv.has_residual) return Support::no("a residual input");
  if (conv.x_type == DType::f32) return Support::no("no products of f32");
  if (!narrows(conv) && !widens(conv))
    if (const auto answer = keeps_type(conv); !answer) return answer;
  if (const char* why = stem_hopper_refusal(geometry(conv), output_bytes(conv))) return Support::no(why);
  return Support::yes();
}

WeightPacking packing(const Problem& problem) {
  const FusedConv conv = fused_conv_of(problem);
  return {fmt::format("cuda.stem_wgmma {}x{} {}", conv.kh, conv.kw, output_bytes(conv)),
          [conv](const Tensor& weights, const ConvParams& p) {
            const Tensor values = weights.to(product_type(conv));
            return pack_stem_hopper_weights(p, output_bytes(conv), static_cast<int>(size_of(values.dtype())),
                                            values.raw());
          }};
}

class StemHopper : public Prepared {
 public:
  explicit StemHopper(const PrepareContext& context)
      : setup_(set_up(context, {.padding = Padding::zero_point, .packing = packing(context.problem)})) {}
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    StemParams p;
    p.conv = bind(setup_, args);
    if (setup_.conv.scaled()) p.padding = setup_.quantisation.x_zero;
    check(conv_stem_hopper(p, element_of(setup_.conv.x_type), element_of(setup_.conv.y_type), raw(args.stream)),
          "cuda.stem_wgmma");
  }

 private:
  ConvSetup setup_;
};

}  // namespace

extern const Kernel kernel_conv_stem_hopper;
const Kernel kernel_conv_stem_hopper{
    "cuda.stem_wgmma", supports, [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<StemHopper>(context); }};

}  // namespace halftone::cuda
