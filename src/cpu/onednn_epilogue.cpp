#include <cmath>
#include <cstring>

#include "cpu/finish.h"
#include "cpu/onednn_conv.h"

namespace halftone::cpu::onednn {
namespace {

/// activation(s y) = s activation(y) for s > 0, with clip's bounds scaled.
bool scales_through(Activation act) {
  return act == Activation::none || act == Activation::relu || act == Activation::leaky_relu || act == Activation::clip;
}

/// Appends the activation; its result is multiplied by `scale`, and for those that scale through so are its bounds.
void append_activation(dnnl::post_ops& ops, const FusedConv& conv, bool in_output_units, float scale) {
  using dnnl::algorithm;
  const float bound = in_output_units ? scale : 1.0f;
  const float after = in_output_units ? 1.0f : scale;
  switch (conv.act) {
    case Activation::none:
      if (after != 1.0f) ops.append_eltwise(1.0f, algorithm::eltwise_linear, after, 0.0f);
      break;
    case Activation::relu: ops.append_eltwise(after, algorithm::eltwise_relu, 0.0f, 0.0f); break;
    case Activation::leaky_relu: ops.append_eltwise(after, algorithm::eltwise_relu, conv.alpha, 0.0f); break;
    case Activation::clip:
      ops.append_eltwise(after, algorithm::eltwise_clip, conv.alpha * bound, conv.beta * bound);
      break;
    case Activation::sigmoid: ops.append_eltwise(after, algorithm::eltwise_logistic, 0.0f, 0.0f); break;
    case Activation::tanh: ops.append_eltwise(after, algorithm::eltwise_tanh, 0.0f, 0.0f); break;
    case Activation::hard_sigmoid:
      ops.append_eltwise(1.0f, algorithm::eltwise_linear, conv.alpha, conv.beta);
      ops.append_eltwise(after, algorithm::eltwise_clip, 0.0f, 1.0f);
      break;
    case Activation::hard_swish: ops.append_eltwise(after, algorithm::eltwise_hardswish, 0.0f, 0.0f); break;
    case Activation::silu: ops.append_eltwise(after, algorithm::eltwise_swish, 1.0f, 0.0f); break;
    case Activation::elu: ops.append_eltwise(after, algorithm::eltwise_elu, conv.alpha, 0.0f); break;
  }
}

}  // namespace

ConvConstants stand_ins(const FusedConv& conv) {
  ConvConstants result;
  if (conv.has_bias) result.bias.assign(static_cast<std::size_t>(conv.o), 1.0f);
  if (conv.is_int8()) result.w_scale.assign(static_cast<std::size_t>(conv.o), 0.25f);
  const float zero = conv.symmetric ? 0.0f : 1.0f;  // any zero point asks for the same code
  if (conv.quantised()) result.q = {0.5f, zero, 0.5f, zero, 0.5f, zero};
  if (conv.is_int8()) result.w_sum.assign(static_cast<std::size_t>(conv.o), 1.0f);
  return result;
}

ConvConstants read_constants(const FusedConv& conv, std::span<const Tensor> constants) {
  ConvConstants result;
  const auto copy = [](const Tensor& tensor) {
    const auto data = tensor.data<float>();
    return std::vector<float>(data.begin(), data.end());
  };
  if (conv.has_bias) result.bias = copy(constants[FusedConv::kBias]);
  if (conv.is_int8()) result.w_scale = copy(constants[FusedConv::kWeightScale]);
  if (conv.quantised()) result.q = quantisation_of(constants[FusedConv::kQuantisation]);
  if (conv.is_int8() && result.q.x_zero != 0) {
    const auto w = constants[FusedConv::kW].data<std::int8_t>();
    const std::size_t filter = w.size() / static_cast<std::size_t>(conv.o);
    result.w_sum.resize(static_cast<std::size_t>(conv.o));
    for (std::size_t i = 0; i < w.size(); ++i) result.w_sum[i / filter] += static_cast<float>(w[i]);
  }
  return result;
}

ConvEpilogue epilogue(const FusedConv& conv, const ConvConstants& constants, const dnnl::memory::desc& residual,
                      ProductKind kind) {
  ConvEpilogue result;
  result.attributes = user_scratchpad();
  const Quantisation& q = constants.q;
  const bool quantised_y = is_8bit(conv.y_type);
  const bool quantised_r = conv.has_residual && is_8bit(conv.residual_type);
  // What does not fit the output's type cannot wait in the output: it would be rounded twice.
  const bool wider_residual = conv.has_residual && size_of(conv.residual_type) > size_of(conv.y_type);
  const bool output_units = scales_through(conv.act) && !wider_residual;
  const float to_output = quantised_y ? 1.0f / q.y_scale : 1.0f;
  const float sum_scale = output_units ? to_output : 1.0f;

  result.bias = constants.bias;
  if (conv.is_int8()) {
    const auto channels = static_cast<std::size_t>(conv.o);
    const bool padded = conv.pad_top + conv.pad_left + conv.pad_bottom + conv.pad_right > 0;
    const float folded_zero = padded ? 0.0f : q.x_zero;  // without padding, x's zero point is a constant per channel
    if (result.bias.empty() && (quantised_r || folded_zero != 0)) result.bias.assign(channels, 0.0f);
    std::vector<float> scales(channels);
    for (std::size_t o = 0; o < channels; ++o) {
      float scale = q.x_scale * constants.w_scale[o];
      if (std::abs(scale) < 1e-30f) scale = 1e-30f;  // a channel of zeros: keep bias / scale finite
      if (!result.bias.empty()) result.bias[o] = (result.bias[o] - (quantised_r ? q.r_scale * q.r_zero : 0.0f)) / scale;
      if (folded_zero != 0) result.bias[o] -= folded_zero * constants.w_sum[o];
      scales[o] = scale * sum_scale;
    }
    result.attributes.set_output_scales(1 << 1, scales);
    if (padded && q.x_zero != 0)
      result.attributes.set_zero_points(DNNL_ARG_SRC, 0, {static_cast<std::int32_t>(q.x_zero)});
    if (quantised_y && q.y_zero != 0 && kind == ProductKind::convolution)
      result.attributes.set_zero_points(DNNL_ARG_DST, 0, {static_cast<std::int32_t>(q.y_zero)});
  }
  dnnl::post_ops ops;
  if (conv.has_residual) {
    result.residual_apart = wider_residual;
    result.residual_in_output = !result.residual_apart;
    if (result.residual_apart) ops.append_binary(dnnl::algorithm::binary_add, residual);
    else
      ops.append_sum(quantised_r ? q.r_scale * sum_scale : 1.0f, 0,
                     quantised_y ? *data_type(conv.residual_type) : dnnl::memory::data_type::undef);
  }
  append_activation(ops, conv, output_units, to_output);
  if (quantised_y && q.y_zero != 0 && kind == ProductKind::matrix)
    ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_linear, 1.0f, q.y_zero);
  if (ops.len()) result.attributes.set_post_ops(ops);
  return result;
}

bool exact_int8(std::string_view implementation) {
  return not_reference(implementation) && implementation.find("avx512") != std::string_view::npos;
}

std::vector<std::string> newest(std::vector<std::string> names) {
  const auto is = [](const char* isa) {
    return [isa](const std::string& name) { return name.find(isa) != std::string::npos; };
  };
  if (std::any_of(names.begin(), names.end(), is("avx512"))) std::erase_if(names, is("avx2"));
  if (std::any_of(names.begin(), names.end(), is("avx"))) std::erase_if(names, is("sse41"));
  return names;
}

Support refuses(const Problem& problem, const FusedConv& conv, const Backend& backend) {
  for (const auto& [input, what] : {std::pair{FusedConv::kW, "weights"}, std::pair{FusedConv::kBias, "bias"},
                                    std::pair{FusedConv::kWeightScale, "weight scales"},
                                    std::pair{FusedConv::kQuantisation, "scales and zero points"}})
    if (problem.has(input) && !problem.constant(input))
      return Support::no(fmt::format("the {} are not constant", what));
  if (conv.n * conv.h * conv.w * conv.c == 0 || conv.o == 0 || conv.kh * conv.kw == 0)
    return Support::no("it is empty");
  if (!data_type(conv.x_type) || !data_type(conv.y_type) || (conv.has_residual && !data_type(conv.residual_type)))
    return Support::no("oneDNN 2.6 has no f16 on CPUs");
  if (conv.is_int8() && !backend.has("avx512_vnni")) return Support::no("8-bit products saturate without VNNI");
  if (!conv.is_int8() && conv.y_type != conv.x_type && !(conv.x_type == DType::bf16 && conv.y_type == DType::f32))
    return Support::no(fmt::format("{} to {} is not among oneDNN's forms", name(conv.x_type), name(conv.y_type)));
  if (conv.x_type == DType::bf16 && !backend.has("avx512")) return Support::no("bf16 needs AVX-512");
  if (conv.has_residual && is_8bit(conv.residual_type) &&
      !(conv.is_int8() && (is_8bit(conv.y_type) || conv.y_type == DType::f32)))
    return Support::no("an 8-bit residual onto a 16-bit output, or beside float data");
  return Support::yes();
}

void bind_epilogue(Program& program, const PrepareContext& context, const FusedConv& conv, const ConvEpilogue& epilogue,
                   const dnnl::memory::desc& destination, const dnnl::memory::desc& residual,
                   const dnnl::memory::desc& bias, std::vector<Argument>& arguments) {
  program.set_packs_constants();
  if (!epilogue.bias.empty()) {
    const Tensor values = Tensor::from<float>(Shape{conv.o}, epilogue.bias);
    arguments.push_back({DNNL_ARG_BIAS, bias, {Place::packed, 0, values}});
  }
  if (epilogue.residual_apart)
    arguments.push_back(
        {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, residual, {Place::input, FusedConv::kResidual, {}}});
  if (epilogue.residual_in_output) {
    const TensorType& from = context.problem.input(FusedConv::kResidual);
    if (size_of(conv.residual_type) == size_of(conv.y_type)) {
      program.set_in_place(FusedConv::kResidual);
      program.add([bytes = from.bytes()](const RunArgs& args) {
        const void* source = args.inputs[FusedConv::kResidual];
        if (source != args.outputs[0]) copy_bytes(args.outputs[0], source, bytes);
      });
    } else if (is_8bit(conv.residual_type)) {
      // Its scale is the sum's, its zero point is in the bias.
      program.add([type = conv.residual_type, count = from.shape.count()](const RunArgs& args) {
        to_float(type, args.inputs[FusedConv::kResidual], 0, static_cast<float*>(args.outputs[0]), count);
      });
    } else {
      const dnnl::reorder::primitive_desc reorder(engine(), residual, engine(), destination, user_scratchpad());
      program.add(dnnl::reorder(reorder), reorder.scratchpad_desc(),
                  {{DNNL_ARG_FROM, residual, {Place::input, FusedConv::kResidual, {}}},
                   {DNNL_ARG_TO, destination, {Place::output, 0, {}}}});
    }
  }
  arguments.push_back({DNNL_ARG_DST, destination, {Place::output, 0, {}}});
}

}  // namespace halftone::cpu::onednn
