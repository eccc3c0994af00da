#include "cpu/onednn_conv.h"

namespace halftone::cpu {
namespace {

using namespace onednn;
using Convolution = dnnl::convolution_forward;

dnnl::memory::desc residual_desc(const Problem& problem, const FusedConv& conv) {
  return conv.has_residual ? nhwc(problem.input(FusedConv::kResidual)) : dnnl::memory::desc();
}

/// Throws dnnl::error where oneDNN has no such convolution.
Choice<Convolution> make_choice(const Problem& problem, const FusedConv& conv, const ConvEpilogue& epilogue) {
  const dnnl::memory::dims kernel =
      conv.group == 1 ? dnnl::memory::dims{conv.o, conv.c, conv.kh, conv.kw}
                      : dnnl::memory::dims{conv.group, conv.o / conv.group, conv.c / conv.group, conv.kh, conv.kw};
  const dnnl::memory::desc x = nhwc(problem.input(FusedConv::kX)), y = nhwc(problem.output());
  const dnnl::memory::desc w(kernel, *data_type(conv.w_type), dnnl::memory::format_tag::any);
  const dnnl::memory::dims strides{conv.stride_h, conv.stride_w};
  const dnnl::memory::dims dilations{conv.dilation_h - 1, conv.dilation_w - 1};
  const dnnl::memory::dims before{conv.pad_top, conv.pad_left}, after{conv.pad_bottom, conv.pad_right};
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  if (epilogue.bias.empty())
    return {{kind, algorithm, x, w, y, strides, dilations, before, after}, epilogue.attributes};
  const dnnl::memory::desc bias({conv.o}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::x);
  return {{kind, algorithm, x, w, bias, y, strides, dilations, before, after}, epilogue.attributes};
}

std::vector<std::string> configs(const Problem& problem, const Backend&) {
  const FusedConv conv = fused_conv_of(problem);
  try {
    const auto after = epilogue(conv, stand_ins(conv), residual_desc(problem, conv), ProductKind::convolution);
    return newest(make_choice(problem, conv, after).implementations(conv.is_int8() ? exact_int8 : not_reference));
  } catch (const dnnl::error&) {
    return {};
  }
}

Support supports(const Problem& problem, const Backend& backend) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  const FusedConv conv = fused_conv_of(problem);
  if (const auto refusal = refuses(problem, conv, backend); !refusal) return refusal;
  return configs(problem, backend).empty() ? Support::no("oneDNN has only its reference code") : Support::yes();
}

std::unique_ptr<Prepared> prepare(const PrepareContext& context) {
  const PrepareScope scope(context.threads);
  const FusedConv conv = fused_conv_of(context.problem);
  return translated([&]() -> std::unique_ptr<Prepared> {
    const auto residual = residual_desc(context.problem, conv);
    const ConvEpilogue after =
        epilogue(conv, read_constants(conv, context.constants), residual, ProductKind::convolution);
    const auto desc = choose([&] { return make_choice(context.problem, conv, after); }, context.config,
                             conv.is_int8() ? exact_int8 : not_reference);
    auto program = std::make_unique<Program>();
    const dnnl::memory::dims kernel = desc.weights_desc().dims();
    const std::int64_t c = conv.c / conv.group, o = conv.o / conv.group;
    const std::int64_t row = conv.kw * c, filter = conv.kh * row;
    const dnnl::memory::dims ohwi =
        conv.group == 1 ? dnnl::memory::dims{filter, 1, row, c} : dnnl::memory::dims{o * filter, filter, 1, row, c};
    const dnnl::memory::desc plain(kernel, *data_type(conv.w_type), ohwi);
    std::vector<Argument> arguments{
        {DNNL_ARG_SRC, desc.src_desc(), {Place::input, FusedConv::kX, {}}},
        {DNNL_ARG_WEIGHTS,
         desc.weights_desc(),
         {Place::packed, 0, pack(context, context.constants[FusedConv::kW], plain, desc.weights_desc())}}};
    bind_epilogue(*program, context, conv, after, desc.dst_desc(), residual, row_major({DType::f32, Shape{conv.o}}),
                  arguments);
    program->add(dnnl::convolution_forward(desc), desc.scratchpad_desc(), std::move(arguments));
    return program;
  });
}

}  // namespace

extern const Kernel kernel_onednn_conv;
const Kernel kernel_onednn_conv{.name = "onednn.conv", .supports = supports, .configs = configs, .prepare = prepare};

}  // namespace halftone::cpu
