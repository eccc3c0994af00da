#include <algorithm>
#include <cmath>

#include "graph/fused_conv.h"
#include "graph/op.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

/// A value that is DequantizeLinear of 8-bit activations, per tensor: what it is made from, and how.
struct Dequantised {
  ValueId source = kNoValue;
  Scale scale;
};

std::optional<Dequantised> dequantised(Editor& editor, ValueId id) {
  if (editor.producer_op(id) != "DequantizeLinear") return std::nullopt;
  const Node& node = editor.node(editor.producer(id));
  const auto scale = scale_of(editor, node);
  if (!scale || !scale->per_tensor() || !is_quantised(scale->dtype)) return std::nullopt;
  return Dequantised{node.inputs[0], *scale};
}

/// Symmetric i8 weights [O, ..] and a scale for each output channel. u8 weights around 128 are shifted.
struct SymmetricWeights {
  Tensor data;
  std::vector<float> scale;
};

std::optional<SymmetricWeights> symmetric(Editor& editor, ValueId id) {
  auto weights = weights_of(editor, id);
  if (!weights || !weights->scale || (!weights->scale->per_tensor() && weights->scale->axis != 0)) return std::nullopt;
  const float zero = weights->scale->dtype == DType::u8 ? 128.0f : 0.0f;
  for (const float value : weights->scale->zero)
    if (value != zero) return std::nullopt;
  SymmetricWeights result{weights->data, weights->scale->scale};
  result.scale.resize(static_cast<std::size_t>(weights->shape()[0]), result.scale.front());
  if (weights->scale->dtype == DType::u8) {
    result.data = Tensor(DType::i8, weights->shape());
    const auto from = std::as_const(weights->data).data<std::uint8_t>();
    std::transform(from.begin(), from.end(), result.data.data<std::int8_t>().begin(),
                   [](std::uint8_t value) { return static_cast<std::int8_t>(value - 128); });
  }
  return result;
}

/// Drops the bounds of relu and clip that saturation sets anyway.
void simplify_activation(Attributes& attributes, const Scale& y) {
  const auto act = attributes.get_string("act", "none");
  if (act != "relu" && act != "clip") return;
  const float low = lowest(y.dtype);
  const auto stored = [&](double bound) {
    const float steps = static_cast<float>(bound) / y.scale[0];
    return (y.dtype == DType::f8e4m3 ? steps : std::nearbyint(steps)) + y.zero[0];
  };
  const double lower = act == "relu" ? 0 : attributes.get_float("alpha", 0);
  const bool lower_idle = stored(lower) <= low;
  const bool upper_idle = act == "relu" || stored(attributes.get_float("beta", 0)) >= highest(y.dtype);
  if (!upper_idle || (!lower_idle && act == "relu") || (!lower_idle && lower != 0)) return;
  attributes.erase("alpha");
  attributes.erase("beta");
  if (lower_idle) attributes.erase("act");
  else attributes.set("act", std::string("relu"));
}

class Quantiser {
 public:
  Quantiser(Editor& editor, const PassContext& context) : editor_(editor), context_(context) {}

  bool convert(int index) {
    const Node node = editor_.node(index);
    const auto input = [&](std::size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoValue; };
    const auto x = dequantised(editor_, node.inputs[0]);
    if (!x) return false;
    const auto w = symmetric(editor_, node.inputs[1]);
    // Products are of integers or of floats, never of one with the other.
    if (!w || (x->scale.dtype == DType::f8e4m3) != (w->data.dtype() == DType::f8e4m3)) return false;
    const auto residual = dequantised(editor_, input(FusedConv::kResidual));
    const int quantise = requantiser(node.outputs[0]);
    const auto y = quantise < 0 ? std::nullopt : scale_of(editor_, editor_.node(quantise));

    Attributes attributes = node.attributes;
    attributes.set("to", std::string(name(y ? y->dtype : DType::f32)));
    if (y) simplify_activation(attributes, *y);
    if (x->scale.zero[0] == 0 && (!residual || residual->scale.zero[0] == 0) && (!y || y->zero[0] == 0))
      attributes.set("symmetric", std::int64_t{1});
    const auto residual_id = residual ? residual->source : input(FusedConv::kResidual);
    const Shape channels{w->data.shape()[0]};
    Problem problem{"FusedConv", attributes, {}, {}};
    problem.inputs = {{editor_.type(x->source)}, {w->data.type(), true},         operand(input(FusedConv::kBias)),
                      operand(residual_id),      {{DType::f32, channels}, true}, {{DType::f32, Shape{6}}, true}};
    std::vector<TensorType> types;
    for (const auto& item : problem.inputs) types.push_back(item.type);
    problem.outputs = infer_outputs(*find_op("FusedConv"), attributes, types, 1);
    if (!context_.can_run(problem) && context_.can_run(problem_of(editor_.graph, node))) return false;

    const Quantisation q{x->scale.scale[0],
                         x->scale.zero[0],
                         residual ? residual->scale.scale[0] : 1,
                         residual ? residual->scale.zero[0] : 0,
                         y ? y->scale[0] : 1,
                         y ? y->zero[0] : 0};
    const float numbers[] = {q.x_scale, q.x_zero, q.r_scale, q.r_zero, q.y_scale, q.y_zero};
    const auto weights = editor_.add_constant(node.name + "_weights", w->data);
    const auto scale = editor_.add_constant(node.name + "_scale", from_floats(channels, w->scale));
    const auto quantisation = editor_.add_constant(node.name + "_quantisation", from_floats(Shape{6}, numbers));
    const auto made =
        editor_.add("FusedConv", {x->source, weights, input(FusedConv::kBias), residual_id, scale, quantisation},
                    std::move(attributes), node.name);
    editor_.replace(y ? editor_.node(quantise).outputs[0] : node.outputs[0], made);
    if (quantise >= 0) editor_.remove(quantise);
    editor_.remove(index);
    return true;
  }

 private:
  /// The QuantizeLinear, to 8 bits per tensor, that alone reads a value; or -1.
  int requantiser(ValueId id) {
    const int user = editor_.only_user(id);
    if (user < 0 || editor_.node(user).op != "QuantizeLinear") return -1;
    const auto scale = scale_of(editor_, editor_.node(user));
    return scale && scale->per_tensor() && is_quantised(scale->dtype) ? user : -1;
  }

  Operand operand(ValueId id) {
    if (id == kNoValue) return {};
    return {editor_.type(id), editor_.constant(id).defined()};
  }

  Editor& editor_;
  const PassContext& context_;
};

}  // namespace

int run_qdq(Graph& graph, const PassContext& context) {
  Editor editor(graph);
  Quantiser quantiser(editor, context);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i)
    if (editor.alive(i) && editor.node(i).op == "FusedConv" && quantiser.convert(i)) ++editor.rewrites;
  return editor.rewrites;
}

}  // namespace halftone
