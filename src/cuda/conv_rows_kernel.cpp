#include "cuda/conv_rows.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"

// Products of a few rows with constant weights as a tactic.
namespace halftone::cuda {
namespace {

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (conv.is_fp8())
    if (const auto answer = has_products(backend, conv.x_type); !answer) return answer;
  if (!conv.pointwise() || conv.group != 1 || conv.stride_h != 1 || conv.stride_w != 1)
    return Support::no("not a matrix product");
  if (conv.n * conv.oh * conv.ow > kMostRows) return Support::no(fmt::format("more than {} rows", kMostRows));
  if (conv.has_residual) return Support::no("a residual input");
  if (!has_element(conv.y_type) || !has_rows(element_of(conv.x_type), element_of(conv.y_type)))
    return Support::no(fmt::format("{} to {}", name(conv.x_type), name(conv.y_type)));
  if (conv.c * static_cast<std::int64_t>(size_of(conv.x_type)) % 16)
    return Support::no("channels fill no whole 16 bytes");
  return Support::yes();
}

class ConvRows : public Prepared {
 public:
  explicit ConvRows(const PrepareContext& context) : setup_(set_up(context)) {}
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    const FusedConv& conv = setup_.conv;
    check(conv_rows(bind(setup_, args), element_of(conv.x_type), element_of(conv.y_type), raw(args.stream)),
          "cuda.rows");
  }

 private:
  ConvSetup setup_;
};

}  // namespace

extern const Kernel kernel_conv_rows;
const Kernel kernel_conv_rows{
    "cuda.rows", supports, [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<ConvRows>(context); }};

}  // namespace halftone::cuda
