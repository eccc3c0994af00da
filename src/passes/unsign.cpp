#include <algorithm>
#include <array>
#include <limits>

#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

constexpr float kUnbounded = std::numeric_limits<float>::infinity();
constexpr auto kKeepBounds =
    std::to_array<std::string_view>({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Reshape",
                                     "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Identity"});

struct Bounds {
  float low = -kUnbounded, high = kUnbounded;
};

bool starts_at_zero(Editor& editor, int quantise);

/// What is known of a value's range without running anything.
Bounds bounds_of(Editor& editor, ValueId id) {
  const int index = editor.producer(id);
  if (index < 0) return {};
  const Node& node = editor.node(index);
  if (node.op == "Relu" || node.op == "Clip") {
    const Bounds inner = bounds_of(editor, node.inputs[0]);
    const auto low = node.op == "Relu" ? 0 : bound(editor, node, 1, "min", -kUnbounded);
    const auto high = node.op == "Relu" ? kUnbounded : bound(editor, node, 2, "max", kUnbounded);
    return {std::max(inner.low, low.value_or(-kUnbounded)), std::min(inner.high, high.value_or(kUnbounded))};
  }
  if (node.op == "DequantizeLinear") {
    const auto scale = scale_of(editor, node);
    if (!scale || !scale->per_tensor()) return {};
    Bounds result{(lowest(scale->dtype) - scale->zero[0]) * scale->scale[0],
                  (highest(scale->dtype) - scale->zero[0]) * scale->scale[0]};
    if (const int quantise = editor.producer(node.inputs[0]); quantise >= 0 && starts_at_zero(editor, quantise))
      result.low = 0;
    return result;
  }
  if (std::find(kKeepBounds.begin(), kKeepBounds.end(), node.op) != kKeepBounds.end())
    return bounds_of(editor, node.inputs[0]);
  return {};
}

/// Whether all that becomes of a QuantizeLinear's output is a DequantizeLinear of the same scale.
bool stays_inside(Editor& editor, ValueId quantised, const Scale& scale) {
  return std::all_of(editor.users(quantised).begin(), editor.users(quantised).end(), [&](int user) {
    if (user < 0 || editor.node(user).op != "DequantizeLinear" || editor.node(user).inputs[0] != quantised)
      return false;
    const auto undone = scale_of(editor, editor.node(user));
    return undone && *undone == scale;
  });
}

/// A QuantizeLinear to i8, and how its bytes become unsigned: all of them by adding 128 to them and to the zero point;
/// those that are never below the zero point by taking that off, where they stop at `cut`.
struct Shift {
  int quantise;
  float zero;              ///< the new zero point
  float cut = kUnbounded;  ///< the largest number that the old type held
  std::vector<int> readers;
};

std::optional<Shift> shift_of(Editor& editor, int index) {
  if (editor.node(index).op != "QuantizeLinear") return std::nullopt;
  const auto scale = scale_of(editor, editor.node(index));
  const ValueId quantised = editor.node(index).outputs[0];
  if (!scale || !scale->per_tensor() || scale->dtype != DType::i8 || !stays_inside(editor, quantised, *scale))
    return std::nullopt;
  Shift shift{index, scale->zero[0] + 128, kUnbounded, editor.users(quantised)};
  const ValueId x = editor.node(index).inputs[0];
  const int maker = editor.producer(x);
  const Bounds bounds = bounds_of(editor, x);
  if (bounds.low < 0) return shift;
  const float largest = (highest(DType::i8) - scale->zero[0]) * scale->scale[0];
  const bool clips = maker >= 0 && (editor.node(maker).op == "Relu" || editor.node(maker).op == "Clip");
  if (clips && editor.only_user(x) == index) shift.cut = largest;
  else if (bounds.high > largest) return shift;
  shift.zero = 0;
  return shift;
}

/// Whether a QuantizeLinear's zero point becomes 0.
bool starts_at_zero(Editor& editor, int quantise) {
  const auto shift = shift_of(editor, quantise);
  return shift && shift->zero == 0;
}

void apply(Editor& editor, const Shift& shift) {
  const ValueId x = editor.node(shift.quantise).inputs[0];
  if (shift.cut < kUnbounded) {
    const int maker = editor.producer(x);
    const Node clip = editor.node(maker);
    const float low = clip.op == "Relu" ? 0 : *bound(editor, clip, 1, "min", 0);
    const float high = clip.op == "Relu" ? shift.cut : std::min(shift.cut, *bound(editor, clip, 2, "max", shift.cut));
    Attributes bounds;
    bounds.set("min", double{low});
    bounds.set("max", double{high});
    editor.set_input(shift.quantise, 0, editor.add("Clip", {clip.inputs[0]}, bounds, clip.name));
    editor.remove(maker);
  }
  const auto shape = editor.shape(editor.node(shift.quantise).inputs[1]);
  const ValueId zero = editor.add_constant("unsigned_zero", from_floats(shape, {&shift.zero, 1}, DType::u8));
  std::vector<int> nodes{shift.quantise};
  nodes.insert(nodes.end(), shift.readers.begin(), shift.readers.end());
  for (const int index : nodes) {
    editor.node(index).attributes.erase("output_dtype");
    editor.set_input(index, 2, zero);
    editor.retype(index);
  }
}

}  // namespace

/// The numbers stay what they were, and so does where they saturate.
int run_unsign(Graph& graph, const PassContext& context) {
  Editor editor(graph);
  if (!context.prefers_unsigned) return 0;
  std::vector<Shift> shifts;
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i)
    if (editor.alive(i))
      if (auto shift = shift_of(editor, i)) shifts.push_back(std::move(*shift));
  for (const auto& shift : shifts) apply(editor, shift);
  return static_cast<int>(shifts.size());
}

}  // namespace halftone
