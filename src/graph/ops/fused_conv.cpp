#include "graph/fused_conv.h"

#include <algorithm>
#include <cmath>

#include "graph/ops/helpers.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

constexpr std::array<std::pair<Activation, std::string_view>, 10> kActivations{
    {{Activation::none, "none"},
     {Activation::relu, "relu"},
     {Activation::clip, "clip"},
     {Activation::leaky_relu, "leaky_relu"},
     {Activation::sigmoid, "sigmoid"},
     {Activation::tanh, "tanh"},
     {Activation::hard_sigmoid, "hard_sigmoid"},
     {Activation::hard_swish, "hard_swish"},
     {Activation::silu, "silu"},
     {Activation::elu, "elu"}}};

FusedConv read(const Attributes& attributes, std::span<const TensorType> in) {
  const auto present = [&](std::size_t i) { return i < in.size() && in[i].known(); };
  const auto require = [&](bool condition, std::string_view what) {
    if (!condition) fail(Code::invalid_model, "FusedConv: {}", what);
  };
  require(present(0) && present(1), "x and w are needed");
  const Shape& x = in[0].shape;
  const Shape& w = in[1].shape;
  require(x.rank() == 4 && w.rank() == 4, "x is NHWC and w is OHWI");
  FusedConv conv{.n = x[0], .h = x[1], .w = x[2], .c = x[3], .o = w[0], .kh = w[1], .kw = w[2], .oh = 0, .ow = 0};
  conv.group = attributes.get_int("group", 1);
  require(conv.group >= 1 && conv.c % conv.group == 0 && conv.o % conv.group == 0,
          "group must divide both channel counts");
  require(w[3] == conv.c / conv.group, "w's last extent must be the input channels of a group");
  const auto strides = attributes.get_ints("strides", 2, 1);
  const auto dilations = attributes.get_ints("dilations", 2, 1);
  const auto pads = attributes.get_ints("pads", 4, 0);
  require(strides[0] >= 1 && strides[1] >= 1 && dilations[0] >= 1 && dilations[1] >= 1,
          "strides and dilations are at least 1");
  require(*std::min_element(pads.begin(), pads.end()) >= 0, "pads are not negative");
  constexpr std::int64_t kLargest = 1 << 20;
  for (const auto& list : {strides, dilations, pads})
    require(*std::max_element(list.begin(), list.end()) < kLargest, "an attribute is too large");
  conv.stride_h = strides[0], conv.stride_w = strides[1];
  conv.dilation_h = dilations[0], conv.dilation_w = dilations[1];
  conv.pad_top = pads[0], conv.pad_left = pads[1], conv.pad_bottom = pads[2], conv.pad_right = pads[3];
  require(conv.kh >= 1 && conv.kw >= 1, "the kernel is empty");
  const std::int64_t reach_h = (conv.kh - 1) * conv.dilation_h + 1;
  const std::int64_t reach_w = (conv.kw - 1) * conv.dilation_w + 1;
  const std::int64_t padded_h = conv.h + conv.pad_top + conv.pad_bottom;
  const std::int64_t padded_w = conv.w + conv.pad_left + conv.pad_right;
  require(padded_h >= reach_h && padded_w >= reach_w, "the kernel is larger than the padded input");
  conv.oh = (padded_h - reach_h) / conv.stride_h + 1;
  conv.ow = (padded_w - reach_w) / conv.stride_w + 1;

  const auto act = attributes.get_string("act", "none");
  const auto found =
      std::find_if(kActivations.begin(), kActivations.end(), [&](const auto& item) { return item.second == act; });
  if (found == kActivations.end()) fail(Code::invalid_model, "FusedConv: unknown act '{}'", act);
  conv.act = found->first;
  conv.alpha = static_cast<float>(attributes.get_float("alpha", 0));
  conv.beta = static_cast<float>(attributes.get_float("beta", 0));

  conv.x_type = in[0].dtype;
  conv.w_type = in[1].dtype;
  const bool float_x = conv.x_type == DType::f32 || conv.x_type == DType::bf16 || conv.x_type == DType::f16;
  require(float_x || is_quantised(conv.x_type), "x is f32, bf16, f16, u8, i8 or f8e4m3");
  require(conv.w_type == (is_8bit(conv.x_type) ? DType::i8 : conv.x_type), "w has x's dtype, or is i8 where x is u8");
  conv.symmetric = attributes.get_int("symmetric", 0) != 0;
  const auto math = attributes.get_string("math", "");
  require(math.empty() || (math == "tf32" && conv.x_type == DType::f32), "math is tf32, for f32 x");
  conv.tf32 = !math.empty();
  conv.has_bias = present(2);
  if (conv.has_bias) require(in[2] == TensorType{DType::f32, Shape{conv.o}}, "bias is f32 [O]");
  conv.has_residual = present(3);
  if (conv.has_residual) {
    conv.residual_type = in[3].dtype;
    require(in[3].shape == Shape{conv.n, conv.oh, conv.ow, conv.o}, "the residual has the output's shape");
  }
  const auto to = attributes.get_string("to", float_x ? name(conv.x_type) : name(DType::f32));
  const auto y_type = parse_dtype(to);
  require(y_type && (is_quantised(*y_type) || *y_type == DType::f32 || *y_type == DType::bf16 || *y_type == DType::f16),
          "to is f32, bf16, f16, u8, i8 or f8e4m3");
  conv.y_type = *y_type;
  if (conv.scaled())
    require(present(4) && in[4] == TensorType{DType::f32, Shape{conv.o}}, "8-bit x needs w_scale f32 [O]");
  if (conv.quantised())
    require(present(5) && in[5] == TensorType{DType::f32, Shape{6}}, "8-bit data needs quantisation f32 [6]");
  return conv;
}

void infer(InferContext& context) {
  std::vector<TensorType> inputs;
  for (std::size_t i = 0; i < context.input_count(); ++i)
    inputs.push_back(context.has(i) ? context.input(i) : TensorType{});
  const FusedConv conv = read(context.attributes, inputs);
  context.set_output(0, conv.y_type, Shape{conv.n, conv.oh, conv.ow, conv.o});
}

/// The elements as float, whatever the type.
std::vector<float> floats(const Tensor& tensor) {
  std::vector<float> result(static_cast<std::size_t>(tensor.count()));
  visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto data = tensor.data<T>();
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(data[i]);
  });
  return result;
}

void reference(const ReferenceContext& context) {
  std::vector<TensorType> types;
  for (const auto& tensor : context.inputs) types.push_back(tensor.defined() ? tensor.type() : TensorType{});
  const FusedConv conv = read(context.attributes, types);
  const Quantisation q = conv.quantised() ? quantisation_of(context.inputs[FusedConv::kQuantisation]) : Quantisation{};
  const auto x = floats(context.inputs[FusedConv::kX]);
  const auto w = floats(context.inputs[FusedConv::kW]);
  const auto bias = conv.has_bias ? floats(context.inputs[FusedConv::kBias]) : std::vector<float>();
  const auto residual = conv.has_residual ? floats(context.inputs[FusedConv::kResidual]) : std::vector<float>();
  const auto w_scale = conv.scaled() ? floats(context.inputs[FusedConv::kWeightScale]) : std::vector<float>();
  const std::int64_t c_group = conv.c / conv.group;
  const std::int64_t o_group = conv.o / conv.group;
  std::vector<float> y(static_cast<std::size_t>(context.outputs[0].count()));
  for (std::int64_t n = 0; n < conv.n; ++n)
    for (std::int64_t oh = 0; oh < conv.oh; ++oh)
      for (std::int64_t ow = 0; ow < conv.ow; ++ow)
        for (std::int64_t o = 0; o < conv.o; ++o) {
          double sum = 0;  // exact for 8-bit data, and more exact than any float kernel
          for (std::int64_t kh = 0; kh < conv.kh; ++kh) {
            const std::int64_t ih = oh * conv.stride_h - conv.pad_top + kh * conv.dilation_h;
            if (ih < 0 || ih >= conv.h) continue;
            for (std::int64_t kw = 0; kw < conv.kw; ++kw) {
              const std::int64_t iw = ow * conv.stride_w - conv.pad_left + kw * conv.dilation_w;
              if (iw < 0 || iw >= conv.w) continue;
              const float* pixel =
                  &x[static_cast<std::size_t>(((n * conv.h + ih) * conv.w + iw) * conv.c + o / o_group * c_group)];
              const float* weight = &w[static_cast<std::size_t>(((o * conv.kh + kh) * conv.kw + kw) * c_group)];
              for (std::int64_t c = 0; c < c_group; ++c)
                sum += static_cast<double>(pixel[c] - q.x_zero) * static_cast<double>(weight[c]);
            }
          }
          const auto at = static_cast<std::size_t>(((n * conv.oh + oh) * conv.ow + ow) * conv.o + o);
          const auto channel = static_cast<std::size_t>(o);
          if (conv.scaled()) sum *= static_cast<double>(q.x_scale) * static_cast<double>(w_scale[channel]);
          float value = static_cast<float>(sum);
          if (conv.has_bias) value += bias[channel];
          if (conv.has_residual)
            value += is_quantised(conv.residual_type) ? q.r_scale * (residual[at] - q.r_zero) : residual[at];
          value = apply(conv.act, conv.alpha, conv.beta, value);
          if (is_8bit(conv.y_type))
            value = static_cast<float>(ops::quantize(value, q.y_scale, q.y_zero, ops::range_of(conv.y_type)));
          if (conv.y_type == DType::f8e4m3) value /= q.y_scale;
          y[at] = value;
        }
  visit(conv.y_type, [&](auto zero) {
    using T = decltype(zero);
    auto out = context.outputs[0].data<T>();
    for (std::size_t i = 0; i < y.size(); ++i) out[i] = static_cast<T>(y[i]);
  });
}

}  // namespace

std::string_view name(Activation activation) { return kActivations[static_cast<std::size_t>(activation)].second; }

float apply(Activation activation, float alpha, float beta, float x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return std::max(x, 0.0f);
    case Activation::clip: return std::min(std::max(x, alpha), beta);
    case Activation::leaky_relu: return x < 0 ? alpha * x : x;
    case Activation::sigmoid: return 1.0f / (1.0f + std::exp(-x));
    case Activation::tanh: return std::tanh(x);
    case Activation::hard_sigmoid: return std::clamp(alpha * x + beta, 0.0f, 1.0f);
    case Activation::hard_swish: return x * std::clamp(x / 6.0f + 0.5f, 0.0f, 1.0f);
    case Activation::silu: return x / (1.0f + std::exp(-x));
    case Activation::elu: return x < 0 ? alpha * std::expm1(x) : x;
  }
  return x;
}

bool FusedConv::quantised() const {
  return scaled() || is_quantised(y_type) || (has_residual && is_quantised(residual_type));
}

FusedConv fused_conv_of(const Problem& problem) {
  std::vector<TensorType> types;
  for (const auto& operand : problem.inputs) types.push_back(operand.type);
  return read(problem.attributes, types);
}

Quantisation quantisation_of(const Tensor& input5) {
  const auto v = input5.data<float>();
  return {v[0], v[1], v[2], v[3], v[4], v[5]};
}

extern const Op op_FusedConv;
const Op op_FusedConv{.name = "FusedConv",
                      .min_inputs = 2,
                      .max_inputs = 6,
                      .infer = infer,
                      .reference = reference,
                      .flops = [](const Problem& problem) { return 2 * fused_conv_of(problem).macs(); },
                      .internal = true};

}  // namespace halftone
