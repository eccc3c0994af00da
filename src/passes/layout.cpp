#include "passes/layout.h"

#include "graph/op.h"

namespace halftone {
namespace {

Attributes perm(std::vector<std::int64_t> axes) {
  Attributes attributes;
  attributes.set("perm", std::move(axes));
  return attributes;
}

/// Whether channels first and channels last are the same order of elements.
bool is_same_order(const Shape& shape) {
  std::int64_t spatial = 1;
  for (std::size_t i = 2; i < shape.rank(); ++i) spatial *= shape[i];
  return shape[1] == 1 || spatial == 1;
}

}  // namespace

std::size_t Layout::axis(std::size_t rank, std::int64_t axis) {
  constexpr std::size_t kFour[] = {0, 3, 1, 2};
  constexpr std::size_t kThree[] = {0, 3, 2};
  const auto at = normalize_axis(axis, rank);
  return rank == 4 ? kFour[at] : kThree[at];
}

Shape Layout::shape(const Shape& s) {
  return s.rank() == 4 ? Shape{s[0], s[2], s[3], s[1]} : Shape{s[0], 1, s[2], s[1]};
}

ValueId Layout::twin(ValueId id) {
  if (const auto found = twins_.find(id); found != twins_.end()) return found->second;
  const Shape first = editor.shape(id);
  ASSERT(fits(first));
  const Shape last = shape(first);
  const std::string name = editor.graph.value(id).name + "_nhwc";
  ValueId made = kNoValue;
  if (const Tensor& constant = editor.constant(id); constant.defined()) {
    constexpr std::size_t kFour[] = {0, 2, 3, 1};
    constexpr std::size_t kThree[] = {0, 2, 1};
    const auto moved = first.rank() == 4 ? permuted(constant, kFour) : permuted(constant, kThree);
    made = editor.add_constant(name, moved.reshaped(last));
  } else if (is_same_order(first)) {
    made = editor.reshape(id, last);
  } else if (first.rank() == 4) {
    made = editor.add("Transpose", {id}, perm({0, 2, 3, 1}), name);
  } else {
    made = editor.reshape(editor.add("Transpose", {id}, perm({0, 2, 1}), name), last);
  }
  twins_[id] = made;
  return made;
}

void Layout::finish() {
  for (const auto& [id, twin] : twins_) {
    if (editor.users(id).empty() || editor.producer(id) >= 0 || editor.constant(id).defined()) continue;
    const auto& inputs = editor.graph.inputs;
    if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) continue;
    const Shape first = editor.shape(id);
    Node node{"Transpose", editor.graph.value(id).name, perm({0, 3, 1, 2}), {twin}, {id}};
    if (is_same_order(first)) {
      node.op = "Reshape";
      node.attributes = {};
      node.attributes.set("shape", first.dims());
    } else if (first.rank() == 3) {
      node.inputs = {editor.reshape(twin, Shape{first[0], first[2], first[1]})};
      node.attributes = perm({0, 2, 1});
    }
    editor.add_making(std::move(node));
  }
}

}  // namespace halftone
