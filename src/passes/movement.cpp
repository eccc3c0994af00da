#include <algorithm>

#include "passes/layout.h"

namespace halftone {
namespace {

using Ints = std::vector<std::int64_t>;

void make_twin(Layout& layout, int index, Attributes attributes) {
  const Node node = layout.editor.node(index);
  const auto made = layout.editor.add(node.op, {layout.twin(node.inputs[0])}, std::move(attributes), node.name);
  layout.set(node.outputs[0], made);
  layout.editor.remove(index);
}

/// Whatever order the input lies in, the transposition reads it directly.
bool convert_transpose(Layout& layout, int index) {
  Editor& editor = layout.editor;
  const Node node = editor.node(index);
  const Shape first = editor.shape(node.inputs[0]);
  const std::size_t rank = first.rank();
  auto perm = node.attributes.get_ints("perm");
  if (perm.empty())
    for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  ValueId source = layout.twin(node.inputs[0]);
  if (rank == 3) source = editor.reshape(source, Shape{first[0], first[2], first[1]});
  bool idle = true;
  for (std::size_t i = 0; i < rank; ++i) {
    const auto axis = Layout::axis(rank, perm[i]);
    perm[i] = static_cast<std::int64_t>(rank == 3 && axis > 0 ? axis - 1 : axis);
    idle = idle && perm[i] == static_cast<std::int64_t>(i);
  }
  if (!idle) {
    Attributes attributes;
    attributes.set("perm", perm);
    source = editor.add("Transpose", {source}, std::move(attributes), node.name);
  }
  editor.replace(node.outputs[0], source);
  editor.remove(index);
  return true;
}

/// [N,C,H,W] -> [N,g,c,H,W] -> [N,c,g,H,W] -> [N,C,H,W]: the channel shuffle, whose three nodes work on the last axis.
bool convert_shuffle(Layout& layout, int index) {
  Editor& editor = layout.editor;
  const Node node = editor.node(index);
  const Shape in = editor.shape(node.inputs[0]);
  const Shape split = editor.shape(node.outputs[0]);
  if (in.rank() != 4 || split.rank() != 5 || split != Shape{in[0], split[1], split[2], in[2], in[3]}) return false;
  const int swap = editor.only_user(node.outputs[0]);
  if (swap < 0 || editor.node(swap).op != "Transpose" ||
      editor.node(swap).attributes.get_ints("perm") != Ints{0, 2, 1, 3, 4})
    return false;
  const int join = editor.only_user(editor.node(swap).outputs[0]);
  if (join < 0 || editor.node(join).op != "Reshape") return false;
  const auto output = editor.node(join).outputs[0];
  if (editor.shape(output) != in) return false;
  const auto parts = editor.reshape(layout.twin(node.inputs[0]), Shape{in[0], in[2], in[3], split[1], split[2]});
  Attributes attributes;
  attributes.set("perm", Ints{0, 1, 2, 4, 3});
  const auto swapped = editor.add("Transpose", {parts}, std::move(attributes), editor.node(swap).name);
  layout.set(output, editor.reshape(swapped, Layout::shape(in)));
  editor.remove(join);
  editor.remove(swap);
  editor.remove(index);
  return true;
}

bool convert_reshape(Layout& layout, int index) {
  Editor& editor = layout.editor;
  const Node node = editor.node(index);
  const Shape in = editor.shape(node.inputs[0]);
  const Shape out = editor.shape(node.outputs[0]);
  if (in.count() == 0) return false;
  if (Layout::fits(out) && in[0] == out[0] && in[1] == out[1]) {
    layout.set(node.outputs[0], editor.reshape(layout.twin(node.inputs[0]), Layout::shape(out)));
    editor.remove(index);
    return true;
  }
  std::int64_t spatial = 1;
  for (std::size_t i = 2; i < in.rank(); ++i) spatial *= in[i];
  if (spatial != 1 && in[1] != 1) return convert_shuffle(layout, index);
  editor.replace(node.outputs[0], editor.reshape(layout.twin(node.inputs[0]), out));
  editor.remove(index);
  return true;
}

bool convert_slice(Layout& layout, int index) {
  const Node& node = layout.editor.node(index);
  const auto rank = layout.editor.shape(node.inputs[0]).rank();
  auto attributes = node.attributes;
  auto axes = attributes.get_ints("axes");
  if (axes.empty())
    for (std::size_t i = 0; i < attributes.get_ints("starts").size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  for (auto& axis : axes) axis = static_cast<std::int64_t>(Layout::axis(rank, axis));
  attributes.set("axes", axes);
  make_twin(layout, index, std::move(attributes));
  return true;
}

bool convert_pad(Layout& layout, int index) {
  const Node& node = layout.editor.node(index);
  const auto rank = layout.editor.shape(node.inputs[0]).rank();
  auto attributes = node.attributes;
  const auto pads = attributes.get_ints("pads");
  auto axes = attributes.get_ints("axes");
  if (axes.empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (pads.size() != 2 * axes.size()) return false;
  Ints moved(8, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto to = Layout::axis(rank, axes[i]);
    moved[to] = pads[i];
    moved[4 + to] = pads[axes.size() + i];
  }
  attributes.erase("axes");
  attributes.set("pads", moved);
  make_twin(layout, index, std::move(attributes));
  return true;
}

bool convert_split(Layout& layout, int index) {
  Editor& editor = layout.editor;
  const Node node = editor.node(index);
  const auto rank = editor.shape(node.inputs[0]).rank();
  Node made = node;
  made.inputs = {layout.twin(node.inputs[0])};
  made.attributes.set("axis", static_cast<std::int64_t>(Layout::axis(rank, node.attributes.get_int("axis", 0))));
  for (auto& id : made.outputs)
    if (id != kNoValue) id = editor.add_untyped(editor.graph.value(id).name + "_nhwc");
  editor.remove(index);
  const auto outputs = made.outputs;
  editor.add_making(std::move(made));
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i] != kNoValue) layout.set(node.outputs[i], outputs[i]);
  return true;
}

}  // namespace

bool convert_movement(Layout& layout, int index) {
  const std::string& op = layout.editor.node(index).op;
  if (op == "Transpose") return convert_transpose(layout, index);
  if (op == "Reshape") return convert_reshape(layout, index);
  if (op == "Slice") return convert_slice(layout, index);
  if (op == "Pad") return convert_pad(layout, index);
  if (op == "Split") return convert_split(layout, index);
  return false;
}

}  // namespace halftone
