#include "graph/image_input.h"

#include <algorithm>

#include "graph/op.h"
#include "passes/byte_images.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

using Ints = std::vector<std::int64_t>;

/// The nodes between a graph input and the convolution that reads it, walked from the convolution up.
class Entry {
 public:
  Entry(Editor& editor, ValueId x) : editor_(editor), at_(x) {
    while (editor_.producer(at_) >= 0 && editor_.users(at_).size() == 1 && take(editor_.producer(at_))) {
    }
  }

  /// One node in place of at least two, where the device has a kernel for it.
  bool replace(const PassContext& context, ValueId x) {
    const auto& inputs = editor_.graph.inputs;
    const TensorType from = editor_.type(at_);
    if (nodes_.size() < 2 || std::find(inputs.begin(), inputs.end(), at_) == inputs.end()) return false;
    if (from.shape.rank() != 4 || (from.dtype != DType::f32 && from.dtype != DType::u8)) return false;
    if (from.dtype == DType::u8 && !widened_) return false;
    Attributes attributes;
    attributes.set("to", std::string(name(editor_.type(x).dtype)));
    if (!transposed_) attributes.set("layout", std::string("NHWC"));
    std::vector<ValueId> made{at_, kNoValue, kNoValue};
    const auto vector = [&](const std::vector<float>& values) {
      return editor_.add_constant("image", from_floats(Shape{static_cast<std::int64_t>(values.size())}, values));
    };
    if (!multiply_.empty()) made[ImageInput::kMultiply] = vector(multiply_);
    if (!add_.empty()) made[ImageInput::kAdd] = vector(add_);
    if (scale_) {
      made.push_back(editor_.add_constant("image_scale", from_floats(Shape{}, scale_->scale)));
      made.push_back(editor_.add_constant("image_zero", from_floats(Shape{}, scale_->zero, scale_->dtype)));
    }
    Problem problem{"ImageInput", attributes, {}, {editor_.type(x)}};
    for (const auto id : made)
      problem.inputs.push_back(id == kNoValue ? Operand{} : Operand{editor_.type(id), editor_.constant(id).defined()});
    if (!context.can_run(problem)) return false;
    editor_.replace(x, editor_.add("ImageInput", std::move(made), std::move(attributes), "image"));
    for (const int node : nodes_) editor_.remove(node);
    return true;
  }

 private:
  bool take(int index) {
    const Node& node = editor_.node(index);
    const bool taken = node.op == "Transpose"        ? take_transpose(node)
                       : node.op == "QuantizeLinear" ? take_quantize(node)
                       : node.op == "Cast"           ? take_cast(node)
                       : node.op == "Mul"            ? multiply_.empty() && take_constant(node, multiply_)
                       : node.op == "Add"            ? multiply_.empty() && add_.empty() && take_constant(node, add_)
                                                     : false;
    if (!taken) return false;
    nodes_.push_back(index);
    return true;
  }

  bool take_transpose(const Node& node) {
    if (transposed_ || node.attributes.get_ints("perm") != Ints{0, 2, 3, 1}) return false;
    transposed_ = true;
    at_ = node.inputs[0];
    return true;
  }

  bool take_quantize(const Node& node) {
    const auto scale = scale_of(editor_, node);
    if (rounded_ || scaled() || !scale || !scale->per_tensor() || !is_quantised(scale->dtype)) return false;
    scale_ = scale;
    rounded_ = true;
    at_ = node.inputs[0];
    return true;
  }

  bool take_cast(const Node& node) {
    const DType from = editor_.type(node.inputs[0]).dtype, to = editor_.type(node.outputs[0]).dtype;
    if (from == DType::u8 && to == DType::f32 && !widened_) {
      widened_ = true;
    } else if (from == DType::f32 && (to == DType::f16 || to == DType::bf16) && !rounded_ && !scaled()) {
      rounded_ = true;
    } else {
      return false;
    }
    at_ = node.inputs[0];
    return true;
  }

  bool take_constant(const Node& node, std::vector<float>& values) {
    const std::size_t other = editor_.constant(node.inputs[0]).defined() ? 0 : 1;
    const Tensor& constant = editor_.constant(node.inputs[other]);
    const ValueId data = node.inputs[1 - other];
    const TensorType& type = editor_.type(data);
    if (!constant.defined() || constant.dtype() != DType::f32 || type.dtype != DType::f32 || type.shape.rank() != 4 ||
        widened_)
      return false;
    const auto found = per_channel(constant, type.shape, transposed_ ? 1 : 3);
    if (!found) return false;
    values = *found;
    at_ = data;
    return true;
  }

  bool scaled() const { return !multiply_.empty() || !add_.empty() || widened_; }

  Editor& editor_;
  ValueId at_;
  std::vector<int> nodes_;
  bool transposed_ = false;  ///< a Transpose to channels last lies below
  bool rounded_ = false;     ///< to the convolution's type
  bool widened_ = false;     ///< bytes became floats above
  std::vector<float> multiply_, add_;
  std::optional<Scale> scale_;
};

}  // namespace

int run_image_input(Graph& graph, const PassContext& context) {
  Editor editor(graph);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i) {
    if (!editor.alive(i) || editor.node(i).op != "FusedConv") continue;
    const ValueId x = editor.node(i).inputs[0];
    if (Entry(editor, x).replace(context, x)) ++editor.rewrites;
  }
  return editor.rewrites;
}

void read_byte_images(Graph& graph, std::span<const float> multiply, std::span<const float> add) {
  if (graph.inputs.size() != 1)
    fail(Code::unsupported, "the model has {} inputs; images go into one", graph.inputs.size());
  const ValueId old = graph.inputs.front();
  const Value value = graph.value(old);
  const auto& shape = value.type.shape;
  if (value.type.dtype != DType::f32 || shape.rank() != 4 || shape[1] != static_cast<std::int64_t>(multiply.size()))
    fail(Code::unsupported, "input '{}' is {}; images of bytes go into f32 [N,{},H,W]", value.name, value.type.text(),
         multiply.size());
  const auto channels = static_cast<std::int64_t>(multiply.size());
  const ValueId bytes = graph.add_value(value.name + "_bytes");
  graph.value(bytes).type = {DType::u8, Shape{shape[0], shape[2], shape[3], channels}};
  graph.value(bytes).dim_names = value.dim_names;
  if (graph.value(bytes).dim_names.size() == 4) {
    auto& names = graph.value(bytes).dim_names;
    names = {names[0], names[2], names[3], names[1]};
  }
  Attributes to, perm;
  to.set("to", std::string("f32"));
  perm.set("perm", Ints{0, 3, 1, 2});
  const auto wide = graph.add_node("Cast", {bytes}, to, value.name + "_wide");
  const auto scaled = graph.add_node(
      "Mul", {wide, graph.add_constant(value.name + "_multiply", from_floats(Shape{channels}, multiply))}, {},
      value.name + "_scaled");
  const auto normal =
      graph.add_node("Add", {scaled, graph.add_constant(value.name + "_add", from_floats(Shape{channels}, add))}, {},
                     value.name + "_normal");
  const auto turned = graph.add_node("Transpose", {normal}, perm, value.name + "_nchw");
  const int last = static_cast<int>(graph.nodes.size()) - 4;
  for (int i = 0; i < last; ++i)
    for (auto& id : graph.nodes[static_cast<std::size_t>(i)].inputs)
      if (id == old) id = turned;
  graph.inputs.front() = bytes;
  graph.sort();
  graph.compact();
}

}  // namespace halftone
