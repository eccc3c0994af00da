#include "cpu/narrow.h"

#include <omp.h>

#include <algorithm>

#include "backend/backend.h"
#include "cpu/affine_of.h"
#include "cpu/pack_panels.h"
#include "cpu/plain.h"

// FusedConv of few channels (a network's first layer), f32, bf16 multiplied as f32, or 8-bit.
namespace halftone::cpu {
namespace {

constexpr std::int64_t kMostChannels = 8;
constexpr std::int64_t kFewestLines = 8;  // of a task: lines shared with its neighbours are made ready twice

/// Weights [O][kh][kw * C], each kernel row filled up with zeros to a multiple of `dot`.
template <typename T>
Tensor in_runs(const Tensor& w, const FusedConv& conv, std::int64_t run) {
  Tensor result(w.dtype(), Shape{conv.o, conv.kh * run});
  const auto from = w.data<T>();
  const auto to = result.data<T>();
  std::fill(to.begin(), to.end(), T{});
  const std::int64_t length = conv.kw * conv.c;
  for (std::int64_t i = 0; i < conv.o * conv.kh; ++i)
    std::copy_n(from.begin() + i * length, length, to.begin() + i * run);
  return result;
}

class NarrowConv : public Prepared {
 public:
  NarrowConv(const PrepareContext& context, const FusedConv& conv, const Narrow& isa)
      : conv_(conv), isa_(isa), threads_(std::max(1, context.threads)) {
    const Panels& panels = isa.panels;
    const Tensor& w = context.constants[FusedConv::kW];
    std::vector<float> shift;
    if (conv.is_int8()) {
      const bool signed_x = conv.x_type == DType::i8;
      const Quantisation q = quantisation_of(context.constants[FusedConv::kQuantisation]);
      padding_ = static_cast<std::uint8_t>(static_cast<int>(q.x_zero) & 0xff);
      const float zero = q.x_zero + static_cast<float>(signed_x ? panels.signed_shift : 0);
      shift.resize(static_cast<std::size_t>(conv.o));
      const auto values = w.data<std::int8_t>();
      const std::size_t filter = values.size() / shift.size();
      for (std::size_t i = 0; i < values.size(); ++i) shift[i / filter] += zero * static_cast<float>(values[i]);
    }
    affine_ = affine_of(conv, context.constants, shift);
    weights_ = context.weights.get(w, fmt::format("narrow {} {}", panels.panel, panels.weight_bytes), [&] {
      const std::int64_t dot = conv.is_int8() ? panels.dot : isa.bf16 ? 2 : 1;
      const std::int64_t run = (conv.kw * conv.c + dot - 1) / dot * dot;
      const Tensor runs = conv.is_int8() ? in_runs<std::int8_t>(w, conv, run)
                          : isa.bf16     ? in_runs<BFloat16>(w, conv, run)
                                         : in_runs<float>(w.to(DType::f32), conv, run);
      return pack_panels(runs, conv.o, conv.kh * run, panels);
    });
    const std::int64_t element = conv.is_int8() ? panels.prepared_bytes : isa.bf16 ? 2 : 4;
    const std::int64_t covered = ((conv.ow + 31) * conv.stride_w + conv.kw) * conv.c;
    line_bytes_ = (covered * element + 64 + 63) / 64 * 64;
    const std::int64_t wanted = (4 * threads_ + conv.n - 1) / conv.n;
    lines_ = std::max(kFewestLines, (conv.oh + wanted - 1) / wanted);
  }

  std::size_t workspace_bytes() const override { return scratch() * static_cast<std::size_t>(threads_); }
  int in_place_input() const override {
    return conv_.has_residual && size_of(conv_.residual_type) == size_of(conv_.y_type) ? int{FusedConv::kResidual} : -1;
  }
  bool reads_constant(std::size_t) const override { return false; }

  void run(const RunArgs& args) const override {
    const std::int64_t parts = (conv_.oh + lines_ - 1) / lines_;
    const auto image_of = [](const auto* base, std::int64_t image, std::int64_t count, DType type) {
      return static_cast<const char*>(base) + image * count * static_cast<std::int64_t>(size_of(type));
    };
    NarrowTask whole{};
    whole.x_type = element_of(conv_.x_type);
    whole.h = conv_.h, whole.w = conv_.w, whole.channels = conv_.c, whole.oh = conv_.oh, whole.ow = conv_.ow;
    whole.kh = static_cast<int>(conv_.kh), whole.kw = static_cast<int>(conv_.kw);
    whole.stride_h = static_cast<int>(conv_.stride_h), whole.stride_w = static_cast<int>(conv_.stride_w);
    whole.pad_top = static_cast<int>(conv_.pad_top), whole.pad_left = static_cast<int>(conv_.pad_left);
    whole.padding = padding_;
    whole.sign_flip = conv_.x_type == DType::i8 ? 0x80 : 0;
    whole.weights = weights_.raw();
    whole.out = destination(conv_, affine_, args);
    whole.line_bytes = line_bytes_;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (std::int64_t i = 0; i < conv_.n * parts; ++i) {
      const std::int64_t image = i / parts, part = i % parts, out = conv_.oh * conv_.ow * conv_.o;
      NarrowTask task = whole;
      task.x = image_of(args.inputs[FusedConv::kX], image, conv_.h * conv_.w * conv_.c, conv_.x_type);
      task.out.y = const_cast<char*>(image_of(whole.out.y, image, out, conv_.y_type));
      if (whole.out.residual) task.out.residual = image_of(whole.out.residual, image, out, conv_.residual_type);
      task.line_begin = part * lines_, task.line_end = std::min(conv_.oh, (part + 1) * lines_);
      task.lines =
          static_cast<unsigned char*>(args.workspace) + scratch() * static_cast<std::size_t>(omp_get_thread_num());
      (conv_.is_int8() ? isa_.int8 : isa_.floats)(task);
    }
  }

 private:
  std::size_t scratch() const { return static_cast<std::size_t>((conv_.kh + 1) * line_bytes_); }

  FusedConv conv_;
  const Narrow& isa_;
  int threads_;
  std::uint8_t padding_ = 0;
  std::int64_t line_bytes_ = 0, lines_ = 0;
  OwnedAffine affine_;
  Tensor weights_;
};

Support accepts(const Problem& problem) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.group != 1 || conv.c > kMostChannels)
    return Support::no(fmt::format("more than {} channels, or groups", kMostChannels));
  if (conv.pointwise()) return Support::no("a 1x1 convolution");
  if (conv.kh > kNarrowRows || conv.kw > kNarrowRows || conv.dilation_h != 1 || conv.dilation_w != 1)
    return Support::no(fmt::format("a kernel of more than {0}x{0}, or dilated", kNarrowRows));
  if (element_of(conv.x_type) == Element::none) return Support::no("x is f16");
  if (problem.output().shape.count() == 0 || conv.c == 0) return Support::no("it is empty");
  return is_affine(problem, conv);
}

Support supports_avx512(const Problem& problem, const Backend& backend) {
  if (!backend.has("avx512")) return Support::no("no avx512 here");
  const auto answer = accepts(problem);
  if (answer && !backend.has("avx512_vnni") && fused_conv_of(problem).is_int8())
    return Support::no("8-bit products need VNNI");
  return answer;
}

Support supports_avx2(const Problem& problem, const Backend& backend) {
  if (backend.has("avx512")) return Support::no("avx512.narrow is newer");
  return accepts(problem);
}

Support supports_amx(const Problem& problem, const Backend& backend) {
  if (!backend.has("amx_int8") || !backend.has("amx_bf16")) return Support::no("no AMX here");
  const auto answer = accepts(problem);
  if (!answer) return answer;
  const FusedConv conv = fused_conv_of(problem);
  if (!conv.is_int8() && conv.x_type != DType::bf16) return Support::no("AMX multiplies bytes and bf16");
  if (conv.kw * conv.c * static_cast<std::int64_t>(size_of(conv.x_type)) > 64)
    return Support::no("a kernel row of more than 64 bytes");
  return answer;
}

template <const Narrow& kTable>
std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  return std::make_unique<NarrowConv>(context, fused_conv_of(context.problem), kTable);
}

}  // namespace

extern const Kernel kernel_avx2_narrow, kernel_avx512_narrow, kernel_amx_narrow;
const Kernel kernel_avx2_narrow{"avx2.narrow", supports_avx2, plain::one_config, prepare<narrow_avx2>};
const Kernel kernel_avx512_narrow{"avx512.narrow", supports_avx512, plain::one_config, prepare<narrow_avx512>};

const Kernel kernel_amx_narrow{"amx.narrow", supports_amx, plain::one_config, prepare<narrow_amx>};

}  // namespace halftone::cpu
