#include "engine/spot_check.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "backend/check.h"
#include "graph/fused_conv.h"
#include "graph/op.h"

namespace halftone {
namespace {

constexpr std::size_t kSamples = 384;
constexpr double kReferenceLimit = 2e7;  // elements the reference may touch before only two images are checked

/// Operators that treat each image (extent 0) by itself.
bool by_image(const Problem& problem) {
  static const std::set<std::string_view> kOps{
      "MaxPool", "AveragePool",    "GlobalAveragePool", "GlobalMaxPool",     "LRN",  "Resize", "Relu", "Clip",
      "Sigmoid", "HardSwish",      "HardSigmoid",       "LeakyRelu",         "Tanh", "Add",    "Mul",  "Sub",
      "Cast",    "QuantizeLinear", "DequantizeLinear",  "BatchNormalization"};
  if (!kOps.contains(problem.op)) return false;
  const auto& out = problem.output().shape;
  if (out.rank() < 2 || out[0] < 3) return false;
  for (const auto& operand : problem.inputs) {
    if (!operand.present()) continue;
    const auto& shape = operand.type.shape;
    if (shape.rank() == out.rank() ? shape[0] != out[0] && shape[0] != 1 : shape.rank() > 1) return false;
  }
  return true;
}

TensorType one_image(TensorType type) {
  type.shape[0] = 1;
  return type;
}

Tensor image_of(const Tensor& tensor, std::int64_t index) {
  const auto type = one_image(tensor.type());
  return {type, tensor.buffer(), static_cast<std::size_t>(index) * type.bytes()};
}

double element(const Tensor& tensor, std::int64_t at) {
  double value = 0;
  visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    value = static_cast<double>(static_cast<float>(tensor.data<T>()[static_cast<std::size_t>(at)]));
  });
  return value;
}

}  // namespace

SpotCheck::SpotCheck(const Problem& problem, std::span<const Tensor> inputs) : problem_(problem), inputs_(inputs) {
  if (problem.op == "FusedConv") {
    const FusedConv conv = fused_conv_of(problem);
    const Quantisation q = conv.quantised() ? quantisation_of(inputs[FusedConv::kQuantisation]) : Quantisation{};
    const std::int64_t total = problem.output().shape.count();
    const std::int64_t row = conv.ow * conv.o;
    std::set<std::int64_t> positions;
    for (const std::int64_t at :
         {std::int64_t{0}, conv.o - 1, row - 1, conv.oh * row - row, conv.oh * row - 1, total - conv.o, total - 1})
      if (at >= 0 && at < total) positions.insert(at);
    std::mt19937_64 random(7);
    while (positions.size() < std::min<std::size_t>(kSamples, static_cast<std::size_t>(total)))
      positions.insert(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(total)));
    const std::int64_t c_group = conv.c / conv.group;
    const std::int64_t o_group = conv.o / conv.group;
    for (const auto at : positions) {
      const std::int64_t o = at % conv.o, ow = at / conv.o % conv.ow, oh = at / row % conv.oh, n = at / (row * conv.oh);
      double sum = 0, magnitude = 0;
      for (std::int64_t kh = 0; kh < conv.kh; ++kh)
        for (std::int64_t kw = 0; kw < conv.kw; ++kw) {
          const std::int64_t ih = oh * conv.stride_h - conv.pad_top + kh * conv.dilation_h;
          const std::int64_t iw = ow * conv.stride_w - conv.pad_left + kw * conv.dilation_w;
          if (ih < 0 || ih >= conv.h || iw < 0 || iw >= conv.w) continue;
          const std::int64_t x_at = ((n * conv.h + ih) * conv.w + iw) * conv.c + o / o_group * c_group;
          const std::int64_t w_at = ((o * conv.kh + kh) * conv.kw + kw) * c_group;
          visit(conv.x_type, [&](auto x_zero) {
            using X = decltype(x_zero);
            visit(conv.w_type, [&](auto w_zero) {
              using W = decltype(w_zero);
              const X* x = inputs_[0].data<X>().data() + x_at;
              const W* w = inputs_[1].data<W>().data() + w_at;
              for (std::int64_t c = 0; c < c_group; ++c) {
                const double product = (static_cast<double>(static_cast<float>(x[c])) - static_cast<double>(q.x_zero)) *
                                       static_cast<double>(static_cast<float>(w[c]));
                sum += product;
                magnitude += std::abs(product);
              }
            });
          });
        }
      if (conv.scaled()) {
        const double scale = static_cast<double>(q.x_scale) * element(inputs_[FusedConv::kWeightScale], o);
        sum *= scale;
        magnitude *= std::abs(scale);
      }
      const auto add = [&](double value) {
        sum += value;
        magnitude += std::abs(value);
      };
      if (conv.has_bias) add(element(inputs_[FusedConv::kBias], o));
      if (conv.has_residual) {
        const double r = element(inputs_[FusedConv::kResidual], at);
        add(is_quantised(conv.residual_type) ? static_cast<double>(q.r_scale) * (r - static_cast<double>(q.r_zero))
                                             : r);
      }
      double value = static_cast<double>(apply(conv.act, conv.alpha, conv.beta, static_cast<float>(sum)));
      if (conv.y_type == DType::f8e4m3) {
        value = std::clamp(value / static_cast<double>(q.y_scale), -448.0, 448.0);
        magnitude /= static_cast<double>(q.y_scale);
      }
      if (is_8bit(conv.y_type)) {
        const double low = conv.y_type == DType::u8 ? 0 : -128;
        value = std::clamp(value / static_cast<double>(q.y_scale) + static_cast<double>(q.y_zero), low, low + 255);
        magnitude /= static_cast<double>(q.y_scale);
      }
      samples_.push_back({at, value, magnitude});
    }
    return;
  }
  double elements = 0;
  for (const auto& type : problem.outputs) elements += type.known() ? static_cast<double>(type.shape.count()) : 0;
  const double work = std::max(
      {elements, cost(problem).flops, static_cast<double>(problem.has(0) ? problem.input(0).shape.count() : 0)});
  part_ = problem;
  if (work > kReferenceLimit && by_image(problem)) {
    const std::int64_t n = problem.output().shape[0];
    images_ = {0, n - 1};
    for (auto& operand : part_.inputs)
      if (operand.present() && operand.type.shape.rank() == problem.output().shape.rank()) operand.type.shape[0] = 1;
    for (auto& type : part_.outputs) type = one_image(type);
    for (const auto image : images_) {
      std::vector<Tensor> slice;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const bool batched = inputs[i].defined() && inputs[i].shape().rank() == problem.output().shape.rank() &&
                             inputs[i].shape()[0] == n;
        slice.push_back(batched ? image_of(inputs[i], image) : inputs[i]);
      }
      part_outputs_.push_back(evaluate(part_, slice));
      part_inputs_.push_back(std::move(slice));
    }
  } else if (work <= 50 * kReferenceLimit) {
    part_inputs_.emplace_back(inputs.begin(), inputs.end());
    part_outputs_.push_back(evaluate(problem, inputs));
  }
}

std::string SpotCheck::operator()(std::span<const Tensor> outputs) const {
  if (problem_.op == "FusedConv") return check_conv(outputs[0]);
  for (std::size_t i = 0; i < part_outputs_.size(); ++i) {
    std::vector<Tensor> part(outputs.begin(), outputs.end());
    if (!images_.empty())
      for (auto& tensor : part) tensor = image_of(tensor, images_[i]);
    const auto comparison = compare(part_, part_outputs_[i], part, part_inputs_[i]);
    if (!comparison.ok) return comparison.message;
  }
  return {};
}

std::string SpotCheck::check_conv(const Tensor& output) const {
  // One rounding of the output type plus what a float sum of that magnitude may lose.
  const FusedConv conv = fused_conv_of(problem_);
  const double terms = static_cast<double>(conv.kh * conv.kw * (conv.c / conv.group));
  // As in `compare`: what tensor cores keep of the factors of tf32, and of sums of 8-bit floats.
  const double float_error = 4e-6 + (conv.tf32 ? 0x1p-8 / std::sqrt(terms) : conv.is_fp8() ? 0x1p-13 : 0);
  double output_step = conv.tf32 ? 0x1p-9 : 0;
  if (output.dtype() == DType::bf16) output_step = 1.0 / 256;
  if (output.dtype() == DType::f16) output_step = 1.0 / 2048;
  double least_step = 1e-6;
  if (output.dtype() == DType::f8e4m3) output_step = 1.0 / 16, least_step = 0x1p-10;
  for (const auto& sample : samples_) {
    const double got = element(output, sample.at);
    double allowed = float_error * sample.magnitude + output_step * std::abs(sample.value) + least_step;
    if (is_8bit(output.dtype())) allowed = 0.5 + 1e-3 + float_error * sample.magnitude;
    if (!(std::abs(got - sample.value) <= allowed))
      return fmt::format("wrong output: element {} is {}, the reference says {} (at most {:.3g} off)", sample.at, got,
                         sample.value, allowed);
  }
  return {};
}

}  // namespace halftone
