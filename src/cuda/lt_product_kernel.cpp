#include <charconv>

#include "cuda/copy.h"
#include "cuda/cuda_error.h"
#include "cuda/fused_conv_setup.h"
#include "cuda/lt_product.h"
#include "cuda/product_finish.h"

// 1x1 convolutions and matrix products through cuBLASLt. A config is a form and an algorithm's number in the library's
// list: "fused.0" leaves the epilogue to the library, "sums.2" has it write plain sums that ours finishes.
namespace halftone::cuda {
namespace {

constexpr int kMostAlgorithms = 4;
constexpr std::size_t kAlignment = 256;                    // of the library's own workspace
constexpr std::int64_t kMostSums = std::int64_t{1} << 24;  // beyond, writing and reading them costs more than it gains

LtProductDescription describe(const FusedConv& conv, bool fused) {
  LtProductDescription product;
  product.pixels = conv.n * conv.oh * conv.ow;
  product.channels = conv.c;
  product.outputs = conv.o;
  switch (conv.x_type) {
    case DType::f32:
      product.in = CUDA_R_32F;
      product.compute = conv.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
      break;
    case DType::bf16: product.in = CUDA_R_16BF; break;
    case DType::f16: product.in = CUDA_R_16F; break;
    case DType::f8e4m3: product.in = CUDA_R_8F_E4M3; break;
    default: product.in = CUDA_R_8I; product.compute = CUBLAS_COMPUTE_32I;
  }
  product.out = conv.is_int8() ? CUDA_R_32I : CUDA_R_32F;
  if (!fused) return product;
  product.bias = conv.has_bias;
  product.residual = conv.has_residual;
  product.relu = conv.act == Activation::relu;
  return product;
}

bool strided(const FusedConv& conv) { return conv.stride_h != 1 || conv.stride_w != 1; }

std::size_t aligned(std::int64_t bytes) {
  return (static_cast<std::size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
}

/// The library's epilogue keeps fp32 results only: with 16-bit ones it would round the bias first.
bool may_fuse(const FusedConv& conv) {
  return !conv.scaled() && conv.y_type == DType::f32 && conv.act != Activation::clip &&
         (!conv.has_residual || conv.residual_type == DType::f32);
}

std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const auto& device = backend_of(backend);
  return device.remembered("cublaslt " + problem.text(), [&] {
    const FusedConv conv = fused_conv_of(problem);
    std::vector<std::string> names;
    for (const bool fused : {true, false}) {
      if (fused ? !may_fuse(conv) : may_fuse(conv) || conv.n * conv.oh * conv.ow * conv.o > kMostSums) continue;
      const int count = LtProduct::count(device.cublaslt(), describe(conv, fused), kMostAlgorithms);
      for (int i = 0; i < count; ++i) names.push_back(fmt::format("{}.{}", fused ? "fused" : "sums", i));
    }
    return names;
  });
}

Support supports(const Problem& problem, const Backend& backend) {
  if (const auto answer = is_bounded_conv(problem); !answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (!conv.pointwise() || conv.group != 1) return Support::no("not a matrix product");
  if (strided(conv) && conv.c * static_cast<std::int64_t>(size_of(conv.x_type)) % 4)
    return Support::no("pixels of odd length, with strides");
  if (conv.x_type == DType::u8) return Support::no("cuBLASLt has no u8 input");
  if (!has_element(conv.y_type)) return Support::no(fmt::format("results of {}", name(conv.y_type)));
  if (conv.has_residual && !has_element(conv.residual_type))
    return Support::no(fmt::format("a residual of {}", name(conv.residual_type)));
  if (conv.scaled() && (conv.c % 16 || conv.o % 16)) return Support::no("8-bit channels are no multiples of 16");
  return configs(problem, backend).empty() ? Support::no("cuBLASLt has no algorithm for it") : Support::yes();
}

class LtProgram : public Prepared {
 public:
  explicit LtProgram(const PrepareContext& context) : setup_(set_up(context)) {
    const auto dot = context.config.find('.');
    int rank = -1;
    if (dot != std::string_view::npos)
      std::from_chars(context.config.data() + dot + 1, context.config.data() + context.config.size(), rank);
    fused_ = context.config.starts_with("fused");
    auto product = describe(setup_.conv, fused_);
    product.bias_values = product.bias ? setup_.params.bias : nullptr;
    product_ = std::make_unique<LtProduct>(backend_of(context.backend).cublaslt(), product, rank);
    if (!fused_) sums_bytes_ = aligned(product.pixels * product.outputs * 4);
    const FusedConv& conv = setup_.conv;
    if (!strided(conv)) return;
    pick_.batch = conv.n;
    pick_.height = static_cast<int>(conv.h);
    pick_.width = static_cast<int>(conv.w);
    pick_.out_height = static_cast<int>(conv.oh);
    pick_.out_width = static_cast<int>(conv.ow);
    pick_.stride_height = static_cast<int>(conv.stride_h);
    pick_.stride_width = static_cast<int>(conv.stride_w);
    pick_.pixel_bytes = static_cast<int>(conv.c * static_cast<std::int64_t>(size_of(conv.x_type)));
    picked_bytes_ = aligned(product.pixels * pick_.pixel_bytes);
  }
  std::size_t workspace_bytes() const override { return sums_bytes_ + picked_bytes_ + product_->workspace_bytes(); }
  bool reads_constant(std::size_t) const override { return false; }
  void run(const RunArgs& args) const override {
    const ConvParams p = bind(setup_, args);
    auto* workspace = static_cast<std::byte*>(args.workspace);
    void* sums = fused_ ? p.output : workspace;
    const void* x = p.input;
    if (picked_bytes_) {
      PickParams pick = pick_;
      pick.input = p.input;
      pick.output = workspace + sums_bytes_;
      check(pick_pixels(pick, raw(args.stream)), "cublaslt.product");
      x = pick.output;
    }
    product_->run(x, p.weights, fused_ ? p.residual : nullptr, sums, workspace + sums_bytes_ + picked_bytes_,
                  raw(args.stream));
    if (fused_) return;
    const FusedConv& conv = setup_.conv;
    const Element residual = conv.has_residual ? element_of(conv.residual_type) : Element::kFloat32;
    check(finish_product(p, sums, conv.is_int8(), residual, element_of(conv.y_type), raw(args.stream)),
          "cublaslt.product");
  }

 private:
  ConvSetup setup_;
  bool fused_ = false;
  PickParams pick_;  ///< what a stride leaves of x, which goes into the workspace
  std::size_t sums_bytes_ = 0, picked_bytes_ = 0;
  std::unique_ptr<LtProduct> product_;
};

}  // namespace

extern const Kernel kernel_lt_product;
const Kernel kernel_lt_product{
    "cublaslt.product", supports, configs,
    [](const PrepareContext& context) -> std::unique_ptr<Prepared> { return std::make_unique<LtProgram>(context); }};

}  // namespace halftone::cuda
