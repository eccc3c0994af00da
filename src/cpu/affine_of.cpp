#include "cpu/affine_of.h"

#include <algorithm>
#include <limits>

namespace halftone::cpu {
Element element_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return Element::f32;
    case DType::bf16: return Element::bf16;
    case DType::u8: return Element::u8;
    case DType::i8: return Element::i8;
    default: return Element::none;
  }
}

Support is_affine(const Problem& problem, const FusedConv& conv) {
  if (conv.act != Activation::none && conv.act != Activation::relu && conv.act != Activation::clip)
    return Support::no(fmt::format("its activations are relu and clip, not {}", name(conv.act)));
  for (std::size_t i = FusedConv::kW; i < problem.inputs.size(); ++i)
    if (i != FusedConv::kResidual && problem.has(i) && !problem.constant(i))
      return Support::no("weights, bias or scales are not constant");
  if (element_of(conv.y_type) == Element::none ||
      (conv.has_residual && element_of(conv.residual_type) == Element::none))
    return Support::no("a residual or output of f16");
  return Support::yes();
}

Affine OwnedAffine::view() const {
  return {static_cast<const float*>(scale.raw()), static_cast<const float*>(bias.raw()), r_scale, low, high};
}

OwnedAffine affine_of(const FusedConv& conv, std::span<const Tensor> constants, std::span<const float> shift) {
  const Quantisation q = conv.quantised() ? quantisation_of(constants[FusedConv::kQuantisation]) : Quantisation{};
  const bool quantised_y = is_8bit(conv.y_type), quantised_r = conv.has_residual && is_8bit(conv.residual_type);
  const float unit = quantised_y ? 1.0f / q.y_scale : 1.0f;
  const float zero = quantised_y ? q.y_zero : 0.0f;
  OwnedAffine result;
  const Shape padded{(conv.o + 15) / 16 * 16};
  result.scale = Tensor(DType::f32, padded);
  result.bias = Tensor(DType::f32, padded);
  const auto scale = result.scale.data<float>(), bias = result.bias.data<float>();
  std::fill(scale.begin(), scale.end(), 0.0f);
  std::fill(bias.begin(), bias.end(), 0.0f);
  for (std::size_t o = 0; o < static_cast<std::size_t>(conv.o); ++o) {
    scale[o] = unit;
    if (conv.is_int8()) scale[o] *= q.x_scale * constants[FusedConv::kWeightScale].data<float>()[o];
    float b = conv.has_bias ? constants[FusedConv::kBias].data<float>()[o] : 0.0f;
    if (quantised_r) b -= q.r_scale * q.r_zero;
    bias[o] = b * unit + zero;
    if (!shift.empty()) bias[o] -= shift[o] * scale[o];
  }
  result.r_scale = (quantised_r ? q.r_scale : 1.0f) * unit;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  result.low = conv.y_type == DType::u8 ? 0.0f : quantised_y ? -128.0f : -kInfinity;
  result.high = quantised_y ? result.low + 255.0f : kInfinity;
  if (conv.act == Activation::relu) result.low = std::max(result.low, zero);
  if (conv.act == Activation::clip) {
    // Rounding is monotonic, so clamping first in real numbers and then to the type's range is one clamp.
    const float low = result.low, high = result.high;
    result.low = std::clamp(conv.alpha * unit + zero, low, high);
    result.high = std::clamp(conv.beta * unit + zero, low, high);
  }
  return result;
}

Destination destination(const FusedConv& conv, const OwnedAffine& affine, const RunArgs& args) {
  return {affine.view(),           conv.has_residual ? element_of(conv.residual_type) : Element::none,
          element_of(conv.y_type), conv.has_residual ? args.inputs[FusedConv::kResidual] : nullptr,
          args.outputs[0],         static_cast<int>(conv.o)};
}

}  // namespace halftone::cpu
