#include <algorithm>
#include <cmath>

#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

/// y = scale x + shift for each channel of x: along axis 1 or, behind a Transpose, where it puts axis 1.
struct Affine {
  ValueId x = kNoValue;
  std::vector<float> scale;  ///< empty for 1
  std::vector<float> shift;  ///< empty for 0
};

std::optional<Affine> batch_normalization(Editor& editor, const Node& node) {
  if (node.attributes.get_string("layout", "NCHW") != "NCHW" || editor.shape(node.inputs[0]).rank() < 2)
    return std::nullopt;
  std::vector<std::vector<float>> parameters;
  for (std::size_t i = 1; i < 5; ++i) {
    const Tensor& tensor = editor.constant(node.inputs[i]);
    if (!tensor.defined()) return std::nullopt;
    parameters.push_back(floats(tensor));
  }
  const double epsilon = node.attributes.get_float("epsilon", 1e-5);
  Affine affine{node.inputs[0], {}, {}};
  for (std::size_t c = 0; c < parameters[0].size(); ++c) {
    const double scale = parameters[0][c] / std::sqrt(static_cast<double>(parameters[3][c]) + epsilon);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(parameters[1][c] - scale * parameters[2][c]));
  }
  return affine;
}

/// The Transpose that makes `id` for one reader alone, or -1.
int transpose_before(Editor& editor, ValueId id) {
  return editor.producer_op(id) == "Transpose" && editor.users(id).size() == 1 ? editor.producer(id) : -1;
}

std::size_t channel_axis(Editor& editor, ValueId id) {
  const int transpose = transpose_before(editor, id);
  if (transpose < 0) return 1;
  const auto perm = editor.node(transpose).attributes.get_ints("perm");
  const auto at = std::find(perm.begin(), perm.end(), 1);
  return at == perm.end() ? editor.shape(id).rank() - 2 : static_cast<std::size_t>(at - perm.begin());
}

std::optional<Affine> arithmetic(Editor& editor, const Node& node, bool through_transpose) {
  const bool add = node.op == "Add", mul = node.op == "Mul", sub = node.op == "Sub", div = node.op == "Div";
  if (!(add || mul || sub || div) || node.inputs.size() != 2) return std::nullopt;
  const bool swapped = (add || mul) && editor.constant(node.inputs[0]).defined();
  const ValueId x = node.inputs[swapped ? 1 : 0];
  const Shape& shape = editor.shape(x);
  if (shape.rank() < 2 || shape != editor.shape(node.outputs[0])) return std::nullopt;
  const std::size_t axis = through_transpose ? channel_axis(editor, x) : 1;
  auto values = per_channel(editor.constant(node.inputs[swapped ? 0 : 1]), shape, axis);
  if (!values) return std::nullopt;
  for (auto& value : *values) {
    if (sub) value = -value;
    if (div) value = 1 / value;
    if (!std::isfinite(value)) return std::nullopt;
  }
  if (add || sub) return Affine{x, {}, std::move(*values)};
  return Affine{x, std::move(*values), {}};
}

std::optional<Affine> affine_of(Editor& editor, const Node& node, bool through_transpose = false) {
  if (node.op == "BatchNormalization") return batch_normalization(editor, node);
  return arithmetic(editor, node, through_transpose);
}

/// Which constant a linear node's output channels run along, and how its bias is found.
struct Linear {
  Tensor w;              ///< undefined where quantised: then only a shift can be folded in
  std::size_t axis = 0;  ///< of w, along which output channels run
  std::int64_t channels = 0;
  std::vector<float> bias;
};

std::optional<Linear> linear_of(Editor& editor, const Node& node) {
  const bool conv = node.op == "Conv" || node.op == "ConvTranspose", gemm = node.op == "Gemm";
  if (!(conv || gemm) || node.inputs.size() < 2) return std::nullopt;
  if (gemm && (node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1))
    return std::nullopt;
  const Shape& out = editor.shape(node.outputs[0]);
  Linear linear;
  const auto weights = weights_of(editor, node.inputs[1]);
  if (!weights) return std::nullopt;
  if (!weights->scale) linear.w = weights->data;
  linear.channels = out[1];
  if (node.op == "ConvTranspose") {
    if (node.attributes.get_int("group", 1) != 1) return std::nullopt;
    linear.axis = 1;
  } else if (gemm) {
    linear.axis = node.attributes.get_int("transB", 0) != 0 ? 0 : 1;
  }
  linear.bias.assign(static_cast<std::size_t>(linear.channels), 0);
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    const Shape shape = gemm ? out : Shape{linear.channels};
    const auto bias = per_channel(editor.constant(node.inputs[2]), shape, gemm ? 1 : 0);
    if (!bias) return std::nullopt;
    linear.bias = *bias;
  }
  return linear;
}

/// w[.., c, ..] *= factor[c] along `axis`.
Tensor scaled(const Tensor& w, std::size_t axis, const std::vector<float>& factor) {
  auto values = floats(w);
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < w.shape().rank(); ++i) inner *= static_cast<std::size_t>(w.shape()[i]);
  const auto extent = static_cast<std::size_t>(w.shape()[axis]);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factor[i / inner % extent];
  return from_floats(w.shape(), values, w.dtype());
}

void set_constant(Editor& editor, int index, std::size_t slot, std::string_view suffix, Tensor tensor) {
  const std::string name = editor.node(index).name + std::string(suffix);
  editor.set_input(index, slot, editor.add_constant(name, std::move(tensor)));
}

/// linear -> affine becomes linear. A Transpose may lie between them, as in models whose images are channels last.
bool fold_after(Editor& editor, int index) {
  const auto affine = affine_of(editor, editor.node(index), true);
  if (!affine || editor.only_user(affine->x) != index) return false;
  int source = editor.producer(affine->x);
  if (const int transpose = transpose_before(editor, affine->x); transpose >= 0) {
    const auto y = editor.node(transpose).inputs[0];
    if (editor.node(index).op == "BatchNormalization" || editor.only_user(y) != transpose) return false;
    source = editor.producer(y);
  }
  if (source < 0) return false;
  auto linear = linear_of(editor, editor.node(source));
  if (!linear || (!affine->scale.empty() && !linear->w.defined())) return false;
  const DType dtype = editor.type(affine->x).dtype;
  for (std::size_t c = 0; c < linear->bias.size(); ++c) {
    if (!affine->scale.empty()) linear->bias[c] *= affine->scale[c];
    if (!affine->shift.empty()) linear->bias[c] += affine->shift[c];
  }
  if (!affine->scale.empty())
    set_constant(editor, source, 1, "_weights", scaled(linear->w, linear->axis, affine->scale));
  set_constant(editor, source, 2, "_bias", from_floats(Shape{linear->channels}, linear->bias, dtype));
  editor.replace(editor.node(index).outputs[0], affine->x);
  editor.remove(index);
  return true;
}

bool has_padding(const Node& conv) {
  const auto auto_pad = conv.attributes.get_string("auto_pad", "NOTSET");
  if (auto_pad != "NOTSET" && !auto_pad.empty() && auto_pad != "VALID") return true;
  for (const auto pad : conv.attributes.get_ints("pads"))
    if (pad != 0) return true;
  return false;
}

/// affine -> Conv becomes Conv, where padding (which the affine map does not see) does not come between them.
bool fold_before(Editor& editor, int index) {
  const Node& conv = editor.node(index);
  if (conv.op != "Conv" || editor.only_user(conv.inputs[0]) != index || editor.producer(conv.inputs[0]) < 0)
    return false;
  const int before = editor.producer(conv.inputs[0]);
  const auto affine = affine_of(editor, editor.node(before));
  if (!affine || (!affine->shift.empty() && has_padding(conv))) return false;
  auto linear = linear_of(editor, conv);
  if (!linear || !linear->w.defined()) return false;
  const Shape& shape = linear->w.shape();
  const auto w = floats(linear->w);
  const auto group = static_cast<std::size_t>(conv.attributes.get_int("group", 1));
  const auto outputs = static_cast<std::size_t>(shape[0]), inputs = static_cast<std::size_t>(shape[1]);
  const std::size_t taps = w.size() / std::max<std::size_t>(1, outputs * inputs);
  auto changed = w;
  for (std::size_t o = 0; o < outputs; ++o) {
    double shift = 0;
    for (std::size_t i = 0; i < inputs; ++i) {
      const std::size_t channel = o / (outputs / group) * inputs + i;
      for (std::size_t t = 0; t < taps; ++t) {
        const std::size_t at = (o * inputs + i) * taps + t;
        if (!affine->shift.empty()) shift += static_cast<double>(w[at]) * affine->shift[channel];
        if (!affine->scale.empty()) changed[at] *= affine->scale[channel];
      }
    }
    linear->bias[o] += static_cast<float>(shift);
  }
  const DType dtype = linear->w.dtype();
  const auto source = affine->x;
  set_constant(editor, index, 1, "_weights", from_floats(shape, changed, dtype));
  set_constant(editor, index, 2, "_bias", from_floats(Shape{linear->channels}, linear->bias, dtype));
  editor.set_input(index, 0, source);
  editor.remove(before);
  return true;
}

/// A per-channel constant that broadcasts over a value of `rank` axes.
ValueId add_channels(Editor& editor, std::string_view name, const std::vector<float>& values, std::size_t rank,
                     DType dtype) {
  Shape shape{static_cast<std::int64_t>(values.size())};
  for (std::size_t i = 2; i < rank; ++i) shape.push_back(1);
  return editor.add_constant(name, from_floats(shape, values, dtype));
}

}  // namespace

int run_batchnorm(Graph& graph, const PassContext&) {
  Editor editor(graph);
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i) {
    if (editor.alive(i) && fold_after(editor, i)) ++editor.rewrites;
  }
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i)
    while (editor.alive(i) && fold_before(editor, i)) ++editor.rewrites;
  return editor.rewrites;
}

int run_scale(Graph& graph, const PassContext&) {
  Editor editor(graph);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i) {
    if (!editor.alive(i) || editor.node(i).op != "BatchNormalization") continue;
    const auto affine = batch_normalization(editor, editor.node(i));
    if (!affine) continue;
    const auto& [dtype, shape] = editor.type(affine->x);
    const std::string name = editor.node(i).name;
    const auto rank = shape.rank();
    const auto type = dtype;
    const auto factor = add_channels(editor, name + "_scale", affine->scale, rank, type);
    const auto offset = add_channels(editor, name + "_shift", affine->shift, rank, type);
    const auto product = editor.add("Mul", {affine->x, factor}, {}, name + "_mul");
    const auto sum = editor.add("Add", {product, offset}, {}, name + "_add");
    editor.replace(editor.node(i).outputs[0], sum);
    editor.remove(i);
    ++editor.rewrites;
  }
  return editor.rewrites;
}

}  // namespace halftone
