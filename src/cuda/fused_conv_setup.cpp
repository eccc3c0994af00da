#include "cuda/fused_conv_setup.h"

#include <cmath>
#include <numeric>

#include "cuda/conv_border.h"
#include "cuda/conv_wgmma.h"

namespace halftone::cuda {

bool has_element(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || is_quantised(dtype);
}

Element element_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return Element::kFloat32;
    case DType::f16: return Element::kFloat16;
    case DType::bf16: return Element::kBfloat16;
    case DType::i8: return Element::kInt8;
    case DType::f8e4m3: return Element::kFloat8;
    default: ASSERT(dtype == DType::u8); return Element::kUint8;
  }
}

Support is_bounded_conv(const Problem& problem) {
  if (problem.op != "FusedConv") return Support::no("not a FusedConv");
  for (std::size_t i = FusedConv::kW; i < problem.inputs.size(); ++i)
    if (i != FusedConv::kResidual && problem.has(i) && !problem.constant(i))
      return Support::no("weights, bias or scales are not constant");
  const FusedConv conv = fused_conv_of(problem);
  if (conv.act != Activation::none && conv.act != Activation::relu && conv.act != Activation::clip)
    return Support::no(fmt::format("its epilogue has no {}", name(conv.act)));
  if (problem.output().shape.count() == 0 || problem.input(0).shape.count() == 0) return Support::no("it is empty");
  if (conv.n * std::max(conv.h * conv.w, conv.oh * conv.ow) >= (std::int64_t{1} << 31))
    return Support::no("more than 2^31 pixels");
  return Support::yes();
}

Support has_products(const Backend& backend, DType dtype) {
  const int needed = dtype == DType::f8e4m3 ? 89 : dtype == DType::bf16 || dtype == DType::f32 ? 80 : 75;
  const int capability = backend_of(backend).capability();
  if (capability >= needed) return Support::yes();
  return Support::no(fmt::format("products of {} need compute capability {}, this is code for {}", name(dtype),
                                 capability_text(needed), capability_text(capability)));
}

Support keeps_type(const FusedConv& conv) {
  const bool same = conv.is_int8() ? is_8bit(conv.y_type) : conv.y_type == conv.x_type;
  return same ? Support::yes() : Support::no(fmt::format("{} to {}", name(conv.x_type), name(conv.y_type)));
}

bool narrows(const FusedConv& conv) { return size_of(conv.x_type) == 2 && is_quantised(conv.y_type); }

bool widens(const FusedConv& conv) { return conv.scaled() && size_of(conv.y_type) == 2; }

Support adds_its_type(const FusedConv& conv) {
  if (!conv.has_residual) return Support::yes();
  const bool same = conv.is_int8() ? is_8bit(conv.residual_type) : conv.residual_type == conv.x_type;
  return same ? Support::yes() : Support::no(fmt::format("a residual of {}", name(conv.residual_type)));
}

ConvParams geometry(const FusedConv& conv) {
  const auto number = [](std::int64_t value) { return static_cast<int>(value); };
  ConvParams p;
  p.batch = number(conv.n);
  p.height = number(conv.h);
  p.width = number(conv.w);
  p.channels = p.input_pitch = number(conv.c);
  p.outputs = p.output_pitch = number(conv.o);
  p.out_height = number(conv.oh);
  p.out_width = number(conv.ow);
  p.kernel_height = number(conv.kh);
  p.kernel_width = number(conv.kw);
  p.stride_height = number(conv.stride_h);
  p.stride_width = number(conv.stride_w);
  p.pad_top = number(conv.pad_top);
  p.pad_left = number(conv.pad_left);
  p.dilation_height = number(conv.dilation_h);
  p.dilation_width = number(conv.dilation_w);
  return p;
}

namespace {

/// The sum of each output channel's weights.
std::vector<double> weight_sums(const Tensor& weights, std::int64_t outputs) {
  std::vector<double> sums(static_cast<std::size_t>(outputs));
  const auto values = weights.to_doubles();
  const std::size_t filter = values.size() / sums.size();
  for (std::size_t i = 0; i < values.size(); ++i) sums[i / filter] += values[i];
  return sums;
}

/// For each row of border_row() and each output channel the zero point times the weights outside; sets the counts of p.
template <typename Sum>
Tensor border_sums(const Tensor& weights, double zero, ConvParams& p) {
  const int most_above = taps_before(-p.pad_top, p.kernel_height, p.dilation_height);
  const int most_before = taps_before(-p.pad_left, p.kernel_width, p.dilation_width);
  const int last_y = (p.out_height - 1) * p.stride_height - p.pad_top;
  const int last_x = (p.out_width - 1) * p.stride_width - p.pad_left;
  p.border_below = taps_behind(last_y, p.kernel_height, p.dilation_height, p.height) + 1;
  p.border_before = most_before + 1;
  p.border_behind = taps_behind(last_x, p.kernel_width, p.dilation_width, p.width) + 1;
  const std::int64_t rows = std::int64_t{most_above + 1} * p.border_below * p.border_before * p.border_behind;
  constexpr std::int64_t kMostSums = std::int64_t{1} << 24;
  p.border_pitch = (p.outputs + 15) / 16 * 16;
  if (rows * p.border_pitch > kMostSums) fail(Code::unsupported, "a border of {} kinds under a zero point", rows);

  const auto values = weights.to_doubles();
  const auto outputs = static_cast<std::size_t>(p.outputs);
  const std::size_t depth = values.size() / (outputs * static_cast<std::size_t>(p.kernel_height * p.kernel_width));
  Tensor table(dtype_of<Sum>, Shape{rows, p.border_pitch});
  auto sums = table.data<Sum>();
  std::fill(sums.begin(), sums.end(), Sum{0});
  std::vector<double> taps(static_cast<std::size_t>(p.kernel_height * p.kernel_width));
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t tap = 0; tap < taps.size(); ++tap) {
      const auto first = values.begin() + static_cast<std::ptrdiff_t>((o * taps.size() + tap) * depth);
      taps[tap] = std::accumulate(first, first + static_cast<std::ptrdiff_t>(depth), 0.0);
    }
    std::size_t row = 0;
    for (int above = 0; above <= most_above; ++above)
      for (int below = 0; below < p.border_below; ++below)
        for (int before = 0; before < p.border_before; ++before)
          for (int behind = 0; behind < p.border_behind; ++behind) {
            double outside = 0;
            for (int r = 0; r < p.kernel_height; ++r)
              for (int s = 0; s < p.kernel_width; ++s)
                if (r < above || r >= p.kernel_height - below || s < before || s >= p.kernel_width - behind)
                  outside += taps[static_cast<std::size_t>(r * p.kernel_width + s)];
            sums[row++ * static_cast<std::size_t>(p.border_pitch) + o] = static_cast<Sum>(zero * outside);
          }
  }
  return table;
}

}  // namespace

ConvSetup set_up(const PrepareContext& context, const SetupOptions& options) {
  ConvSetup setup;
  setup.conv = fused_conv_of(context.problem);
  const FusedConv& conv = setup.conv;
  setup.params = geometry(conv);
  ConvParams& p = setup.params;
  if (conv.quantised()) setup.quantisation = quantisation_of(context.constants[FusedConv::kQuantisation]);
  const Quantisation& q = setup.quantisation;
  const bool rounds = is_8bit(conv.y_type);
  const double zero = conv.scaled() ? static_cast<double>(q.x_zero - options.input_shift) : 0.0;
  const bool padded = conv.pad_top + conv.pad_left + conv.pad_bottom + conv.pad_right > 0;
  if (zero != 0 && padded && options.padding == Padding::zeros)
    fail(Code::unsupported, "the input's zero point is {} and there is padding", q.x_zero);

  // All in units of the output's step; then of the residual's, where that is asked for.
  double unit = is_quantised(conv.y_type) ? 1.0 / static_cast<double>(q.y_scale) : 1.0;
  const bool steps = conv.has_residual && is_quantised(conv.residual_type);
  const double residual_scale = (steps ? static_cast<double>(q.r_scale) : 1.0) * unit;
  const double residual_zero = steps ? static_cast<double>(q.r_zero) : 0.0;
  const double shrink = options.divide_residual && conv.has_residual ? residual_scale : 1.0;
  unit /= shrink;
  p.residual_scale = static_cast<float>(residual_scale / shrink);
  p.residual_unsigned = conv.residual_type == DType::u8;

  const auto outputs = static_cast<std::size_t>(conv.o);
  std::vector<float> scale(outputs, static_cast<float>(unit)), bias(outputs, 0.0F);
  std::span<const float> w_scale;
  if (conv.scaled()) w_scale = context.constants[FusedConv::kWeightScale].data<float>();
  const auto sums = zero != 0 ? weight_sums(context.constants[FusedConv::kW], conv.o) : std::vector<double>(outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    const double factor = conv.scaled() ? static_cast<double>(q.x_scale) * static_cast<double>(w_scale[o]) : 1.0;
    double constant = conv.has_bias ? static_cast<double>(context.constants[FusedConv::kBias].data<float>()[o]) : 0.0;
    constant -= factor * zero * sums[o];
    scale[o] = static_cast<float>(factor * unit);
    bias[o] = static_cast<float>(constant * unit - residual_zero * residual_scale / shrink);
  }
  const bool scaled = conv.scaled() || unit != 1.0 || shrink != 1.0;
  const Tensor& weights = context.constants[FusedConv::kW];
  const WeightPacking& packing = options.packing;
  setup.weights = !packing.pack ? upload(context, weights) : context.weights.get(weights, packing.name, [&] {
    return to_device(context.backend, packing.pack(weights, p));
  });
  p.weights = setup.weights.raw();
  if (scaled) {
    setup.scale = upload(context, Tensor::from<float>(Shape{conv.o}, std::span<const float>(scale)));
    p.scale = static_cast<const float*>(setup.scale.raw());
  }
  if (scaled || conv.has_bias) {
    setup.bias = upload(context, Tensor::from<float>(Shape{conv.o}, std::span<const float>(bias)));
    p.bias = static_cast<const float*>(setup.bias.raw());
  }
  if (options.divide_residual && conv.has_residual) {
    const auto factor = static_cast<float>(shrink);
    setup.rescale = upload(context, Tensor::from<float>(Shape{1}, std::span<const float>(&factor, 1)));
    p.rescale = static_cast<const float*>(setup.rescale.raw());
  }

  if (zero != 0 && padded && options.padding == Padding::border) {
    setup.border = upload(
        context, conv.is_int8() ? border_sums<std::int32_t>(weights, zero, p) : border_sums<float>(weights, zero, p));
    p.border = setup.border.raw();
  }

  if (conv.act == Activation::relu) p.low = 0;
  if (conv.act == Activation::clip) {
    p.low = static_cast<float>(static_cast<double>(conv.alpha) * unit);
    p.high = static_cast<float>(static_cast<double>(conv.beta) * unit);
  }
  if (rounds) {
    const float least = conv.y_type == DType::u8 ? 0.0F : -128.0F;
    p.output_zero = static_cast<int>(q.y_zero);
    // Whole bounds keep the same results: rounding is monotone.
    p.low = std::nearbyint(std::max(p.low, least - q.y_zero));
    p.high = std::nearbyint(std::min(p.high, least + 255.0F - q.y_zero));
  }
  return setup;
}

WeightPacking wgmma_packing(const Problem& problem, int columns, int vector) {
  const FusedConv conv = fused_conv_of(problem);
  const auto outputs = static_cast<int>((conv.o + columns - 1) / columns * columns);
  return {fmt::format("cuda.wgmma {}x{} {}/{}", conv.kh, conv.kw, outputs, vector),
          [=](const Tensor& weights, const ConvParams& p) {
            return pack_wgmma_weights(weights.raw(), p, static_cast<int>(size_of(weights.dtype())), vector, outputs);
          }};
}

ConvParams bind(const ConvSetup& setup, const RunArgs& args) {
  ConvParams p = setup.params;
  p.input = args.inputs[FusedConv::kX];
  if (setup.conv.has_residual) p.residual = args.inputs[FusedConv::kResidual];
  p.output = args.outputs[0];
  p.workspace = args.workspace;
  return p;
}

}  // namespace halftone::cuda
