#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/fused_conv.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

struct Act {
  Activation kind = Activation::none;
  float alpha = 0, beta = 0;
};

std::optional<Act> clip_of(const Editor& editor, const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kLargest = std::numeric_limits<float>::max();
  const auto low = bound(editor, node, 1, "min", -kInfinity);
  const auto high = bound(editor, node, 2, "max", kInfinity);
  if (!low || !high || std::isnan(*low) || std::isnan(*high)) return std::nullopt;
  if (*low == 0 && *high >= kLargest) return Act{Activation::relu};
  return Act{Activation::clip, std::max(*low, -kLargest), std::min(*high, kLargest)};
}

/// A node of one data input as an activation of FusedConv.
std::optional<Act> act_of(const Editor& editor, const Node& node) {
  const auto number = [&](std::string_view name, double otherwise) {
    return static_cast<float>(node.attributes.get_float(name, otherwise));
  };
  if (node.op == "Relu") return Act{Activation::relu};
  if (node.op == "Clip") return clip_of(editor, node);
  if (node.op == "LeakyRelu") return Act{Activation::leaky_relu, number("alpha", 0.01)};
  if (node.op == "Sigmoid") return Act{Activation::sigmoid};
  if (node.op == "Tanh") return Act{Activation::tanh};
  if (node.op == "HardSigmoid") return Act{Activation::hard_sigmoid, number("alpha", 0.2), number("beta", 0.5)};
  if (node.op == "HardSwish") return Act{Activation::hard_swish};
  if (node.op == "Elu") return Act{Activation::elu, number("alpha", 1)};
  if (node.op == "PRelu")
    if (const auto slope = scalar_of(editor.constant(node.inputs[1]))) return Act{Activation::leaky_relu, *slope};
  return std::nullopt;
}

class Fuser {
 public:
  Fuser(Editor& editor, int conv) : editor_(editor), conv_(conv) {}

  /// Takes one node after the convolution into it.
  bool step() {
    if (has_act()) return false;
    const auto y = output();
    if (take_silu(y)) return true;
    const int user = editor_.only_user(y);
    if (user < 0) return false;
    const std::string op = editor_.node(user).op;
    if (op == "Reshape") return take_act(editor_.only_user(editor_.node(user).outputs[0]));
    if (op == "Add") return take_bias(user) || take_residual(user, y);
    if (op == "QuantizeLinear") return take_requantised_sum(user);
    return take_act(user);
  }

 private:
  Node& conv() { return editor_.node(conv_); }
  ValueId output() { return conv().outputs[0]; }
  bool has_act() { return conv().attributes.has("act"); }
  bool has_residual() {
    return conv().inputs.size() > FusedConv::kResidual && conv().inputs[FusedConv::kResidual] != kNoValue;
  }

  /// Removes a node that now does nothing: its readers read `id`.
  void skip(int index, ValueId id) {
    editor_.replace(editor_.node(index).outputs[0], id);
    editor_.remove(index);
  }

  void set_act(const Act& act) {
    auto& attributes = conv().attributes;
    attributes.set("act", std::string(name(act.kind)));
    const bool two = act.kind == Activation::clip || act.kind == Activation::hard_sigmoid;
    if (two || act.kind == Activation::leaky_relu || act.kind == Activation::elu)
      attributes.set("alpha", double{act.alpha});
    if (two) attributes.set("beta", double{act.beta});
  }

  bool take_act(int user) {
    if (user < 0) return false;
    const auto act = act_of(editor_, editor_.node(user));
    if (!act) return false;
    set_act(*act);
    skip(user, editor_.node(user).inputs[0]);
    return true;
  }

  /// y * sigmoid(y), where nobody else reads y. A Reshape may lie between.
  bool take_silu(ValueId y) {
    if (const int user = editor_.only_user(y); user >= 0 && editor_.node(user).op == "Reshape")
      y = editor_.node(user).outputs[0];
    auto readers = editor_.users(y);
    if (readers.size() != 2 || readers[0] < 0 || readers[1] < 0) return false;
    if (editor_.node(readers[0]).op == "Mul") std::swap(readers[0], readers[1]);
    const auto& sigmoid = editor_.node(readers[0]);
    const auto& product = editor_.node(readers[1]);
    if (sigmoid.op != "Sigmoid" || product.op != "Mul" || editor_.only_user(sigmoid.outputs[0]) != readers[1])
      return false;
    set_act({Activation::silu});
    skip(readers[1], y);
    editor_.remove(readers[0]);
    return true;
  }

  ValueId other_operand(int add, ValueId mine) {
    const auto& inputs = editor_.node(add).inputs;
    return inputs[inputs[0] == mine ? 1 : 0];
  }

  bool take_bias(int add) {
    const auto y = output();
    const Shape shape = editor_.shape(y);
    const auto more = per_channel(editor_.constant(other_operand(add, y)), shape, 3);
    if (!more || editor_.shape(editor_.node(add).outputs[0]) != shape) return false;
    auto bias = *more;
    if (conv().inputs.size() > FusedConv::kBias && conv().inputs[FusedConv::kBias] != kNoValue) {
      const Tensor& before = editor_.constant(conv().inputs[FusedConv::kBias]);
      if (!before.defined()) return false;
      const auto values = floats(before);
      for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += values[i];
    }
    const auto id = editor_.add_constant(conv().name + "_bias", from_floats(Shape{shape[3]}, bias));
    editor_.set_input(conv_, FusedConv::kBias, id);
    skip(add, y);
    return true;
  }

  /// Whether another convolution, which comes later, can take the same sum.
  bool left_to_later(int add, ValueId other) {
    auto id = other;
    for (const std::string_view op : {"DequantizeLinear", "QuantizeLinear"}) {
      if (editor_.producer_op(id) != op || editor_.users(id).size() != 1) break;
      id = editor_.node(editor_.producer(id)).inputs[0];
    }
    const int maker = editor_.producer(id);
    if (maker <= conv_ || editor_.users(id).size() != 1) return false;
    if (id != other && !strippable(editor_.only_user(id), add)) return false;
    const auto& node = editor_.node(maker);
    const bool taken = node.inputs.size() > FusedConv::kResidual && node.inputs[FusedConv::kResidual] != kNoValue;
    return node.op == "FusedConv" && !node.attributes.has("act") && !taken;
  }

  bool can_take(int add, ValueId mine) {
    if (editor_.node(add).op != "Add" || has_residual()) return false;
    const auto other = other_operand(add, mine);
    if (other == mine || editor_.constant(other).defined() || editor_.shape(other) != editor_.shape(output()))
      return false;
    return !left_to_later(add, other);
  }

  bool take_residual(int add, ValueId mine) {
    if (!can_take(add, mine)) return false;
    editor_.set_input(conv_, FusedConv::kResidual, other_operand(add, mine));
    skip(add, output());
    return true;
  }

  /// Whether `quantise` -> DequantizeLinear -> `add` only rounds: the same scale, no end of the range at zero.
  bool strippable(int quantise, int add) {
    if (quantise < 0 || editor_.node(quantise).op != "QuantizeLinear") return false;
    const int back = editor_.only_user(editor_.node(quantise).outputs[0]);
    if (back < 0 || editor_.node(back).op != "DequantizeLinear") return false;
    if (editor_.only_user(editor_.node(back).outputs[0]) != add) return false;
    const auto there = scale_of(editor_, editor_.node(quantise));
    const auto here = scale_of(editor_, editor_.node(back));
    if (!there || !here || !(*there == *here) || !there->per_tensor()) return false;
    return is_quantised(there->dtype) && there->zero[0] > lowest(there->dtype) + 16 &&
           there->zero[0] < highest(there->dtype) - 16;
  }

  /// conv -> Q -> DQ -> Add: the sum is taken before rounding, in the convolution that is quantised itself. More exact
  /// than what the graph says, by at most half a step of the dropped rounding.
  bool take_requantised_sum(int quantise) {
    if (editor_.producer_op(conv().inputs[0]) != "DequantizeLinear") return false;
    const int back = editor_.only_user(editor_.node(quantise).outputs[0]);
    if (back < 0 || editor_.node(back).op != "DequantizeLinear") return false;
    const auto requantised = editor_.node(back).outputs[0];
    const int add = editor_.only_user(requantised);
    if (add < 0 || !strippable(quantise, add) || !can_take(add, requantised)) return false;
    editor_.set_input(conv_, FusedConv::kResidual, other_operand(add, requantised));
    skip(add, output());
    editor_.remove(back);
    editor_.remove(quantise);
    return true;
  }

  Editor& editor_;
  int conv_;
};

}  // namespace

int run_fuse(Graph& graph, const PassContext&) {
  Editor editor(graph);
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i) {
    if (!editor.alive(i) || editor.node(i).op != "FusedConv") continue;
    while (Fuser(editor, i).step()) ++editor.rewrites;
  }
  return editor.rewrites;
}

}  // namespace halftone
