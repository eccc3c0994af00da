#include "backend/backend.h"
#include "cpu/finish.h"

// FusedConv of types the CPU (or oneDNN) has no arithmetic for: input and weights as f32, oneDNN's f32 convolution, and
// the epilogue by plain loops. 8-bit products are exact in f32, their sums rounded at 24 bits.
namespace halftone::cpu {

extern const Kernel kernel_onednn_conv;

namespace {

const Kernel& inner() { return kernel_onednn_conv; }

/// The f32 convolution inside: no residual, no activation.
Problem core_problem(const Problem& problem, const FusedConv& conv) {
  Problem core;
  core.op = problem.op;
  for (const char* name : {"strides", "pads", "dilations", "group"})
    if (const auto* value = problem.attributes.find(name)) core.attributes.set(name, *value);
  core.inputs = {problem.inputs[0], problem.inputs[1]};
  core.inputs[0].type.dtype = core.inputs[1].type.dtype = DType::f32;
  core.inputs[1].constant = true;
  if (conv.has_bias) core.inputs.push_back(problem.inputs[FusedConv::kBias]);
  core.outputs = {{DType::f32, problem.output().shape}};
  return core;
}

/// w times w_scale times x_scale, as f32.
Tensor float_weights(const FusedConv& conv, std::span<const Tensor> constants) {
  Tensor w = constants[FusedConv::kW].to(DType::f32);
  if (!conv.is_int8()) return w;
  const auto scale = constants[FusedConv::kWeightScale].data<float>();
  const float x_scale = quantisation_of(constants[FusedConv::kQuantisation]).x_scale;
  const auto values = w.data<float>();
  const std::size_t filter = values.size() / scale.size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= x_scale * scale[i / filter];
  return w;
}

class Upcast : public Prepared {
 public:
  Upcast(const PrepareContext& context, const FusedConv& conv) : conv_(conv) {
    if (conv.quantised()) q_ = quantisation_of(context.constants[FusedConv::kQuantisation]);
    const Problem core = core_problem(context.problem, conv);
    std::vector<Tensor> constants{{}, float_weights(conv, context.constants)};
    if (conv.has_bias) constants.push_back(context.constants[FusedConv::kBias]);
    core_ = inner().prepare({core, context.config, constants, context.backend, context.weights, context.threads});
    const auto place = [this](std::size_t bytes) {
      const std::size_t at = workspace_;
      workspace_ += (bytes + 63) / 64 * 64;
      return at;
    };
    core_at_ = place(core_->workspace_bytes());
    sum_at_ = place(conv.y_type == DType::f32 ? 0 : static_cast<std::size_t>(conv.n * conv.oh * conv.ow * conv.o) * 4);
    x_at_ = place(conv.x_type == DType::f32 ? 0 : static_cast<std::size_t>(conv.n * conv.h * conv.w * conv.c) * 4);
  }

  std::size_t workspace_bytes() const override { return workspace_; }
  std::unique_ptr<KernelState> make_state() const override { return core_->make_state(); }
  bool reads_constant(std::size_t) const override { return false; }

  void run(const RunArgs& args) const override {
    auto* workspace = static_cast<std::byte*>(args.workspace);
    const void* x = args.inputs[FusedConv::kX];
    if (conv_.x_type != DType::f32) {
      auto* floats = reinterpret_cast<float*>(workspace + x_at_);
      to_float(conv_.x_type, x, conv_.is_int8() ? q_.x_zero : 0.0f, floats, conv_.n * conv_.h * conv_.w * conv_.c);
      x = floats;
    }
    void* y = args.outputs[0];
    void* sum = conv_.y_type == DType::f32 ? y : workspace + sum_at_;
    const void* const inputs[] = {x, nullptr, nullptr};
    core_->run({{inputs, conv_.has_bias ? 3u : 2u}, {&sum, 1}, workspace + core_at_, args.state, args.stream});
    const void* residual = conv_.has_residual ? args.inputs[FusedConv::kResidual] : nullptr;
    if (y != sum || residual || conv_.act != Activation::none)
      finish(conv_, q_, static_cast<const float*>(sum), residual, y);
  }

 private:
  FusedConv conv_;
  Quantisation q_;
  std::unique_ptr<Prepared> core_;
  std::size_t workspace_ = 0, core_at_ = 0, sum_at_ = 0, x_at_ = 0;
};

std::vector<std::string> configs(const Problem& problem, const Backend& backend) {
  const Problem core = core_problem(problem, fused_conv_of(problem));
  auto names = inner().configs(core, backend);
  names.resize(std::min<std::size_t>(names.size(), 2));
  return names;
}

Support supports(const Problem& problem, const Backend& backend) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  const FusedConv conv = fused_conv_of(problem);
  for (const DType type : {conv.x_type, conv.residual_type, conv.y_type})
    if (type == DType::f8e4m3) return Support::no("8-bit floats");
  // oneDNN emulates bf16 where the CPU has no such products, and f32 can be faster there: both may race.
  const bool emulated = conv.x_type == DType::bf16 && !backend.has("avx512_bf16");
  if (!emulated && inner().supports(problem, backend)) return Support::no("oneDNN computes this type itself");
  for (std::size_t i = FusedConv::kW; i < problem.inputs.size(); ++i)
    if (i != FusedConv::kResidual && problem.has(i) && !problem.constant(i))
      return Support::no("weights, bias or scales are not constant");
  return inner().supports(core_problem(problem, conv), backend);
}

}  // namespace

extern const Kernel kernel_upcast_conv;
const Kernel kernel_upcast_conv{.name = "upcast.conv",
                                .supports = supports,
                                .configs = configs,
                                .prepare = [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                                  return std::make_unique<Upcast>(context, fused_conv_of(context.problem));
                                },
                                .takes_any = true};

}  // namespace halftone::cpu
