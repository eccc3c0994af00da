#include "passes/constants.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace halftone {

std::vector<float> floats(const Tensor& tensor) {
  std::vector<float> result(static_cast<std::size_t>(tensor.count()));
  visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto data = tensor.data<T>();
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(data[i]);
  });
  return result;
}

Tensor from_floats(Shape shape, std::span<const float> values, DType dtype) {
  auto tensor = Tensor::from(std::move(shape), values);
  return dtype == DType::f32 ? tensor : tensor.to(dtype);
}

Tensor permuted(const Tensor& tensor, std::span<const std::size_t> perm) {
  const auto strides = strides_of(tensor.shape());
  Shape shape;
  std::vector<std::int64_t> steps;
  for (const auto axis : perm) {
    shape.push_back(tensor.shape()[axis]);
    steps.push_back(strides[axis]);
  }
  std::vector<std::int64_t> real_steps;  // of the axes that are not 1: where they fall, no element moves
  for (std::size_t i = 0; i < perm.size(); ++i)
    if (shape[i] != 1) real_steps.push_back(steps[i]);
  if (std::is_sorted(real_steps.rbegin(), real_steps.rend())) return tensor.reshaped(shape);
  Tensor result(tensor.dtype(), shape);
  if (result.count() == 0) return result;
  const std::size_t rank = shape.rank();
  const auto copy = [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(tensor.raw());
    T* to = static_cast<T*>(result.raw());
    const std::int64_t row = rank ? shape[rank - 1] : 1;
    const std::int64_t step = rank ? steps[rank - 1] : 0;
    const std::int64_t rows = result.count() / row;
    std::vector<std::int64_t> index(rank, 0);
    std::int64_t begin = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t k = 0; k < row; ++k) *to++ = from[begin + k * step];
      for (std::size_t axis = rank > 0 ? rank - 1 : 0; axis-- > 0;) {
        begin += steps[axis];
        if (++index[axis] < shape[axis]) break;
        begin -= steps[axis] * shape[axis];
        index[axis] = 0;
      }
    }
  };
  switch (size_of(tensor.dtype())) {
    case 1: copy(std::uint8_t{}); break;
    case 2: copy(std::uint16_t{}); break;
    case 4: copy(std::uint32_t{}); break;
    default: copy(std::uint64_t{}); break;
  }
  return result;
}

bool all_are(std::span<const std::int64_t> list, std::int64_t value) {
  return std::all_of(list.begin(), list.end(), [&](auto item) { return item == value; });
}

std::optional<float> scalar_of(const Tensor& tensor) {
  if (!tensor.defined() || tensor.count() != 1) return std::nullopt;
  return floats(tensor).front();
}

std::optional<float> scalar_input(const Editor& editor, const Node& node, std::size_t slot, float otherwise) {
  if (slot >= node.inputs.size() || node.inputs[slot] == kNoValue) return otherwise;
  return scalar_of(editor.constant(node.inputs[slot]));
}

std::optional<float> bound(const Editor& editor, const Node& node, std::size_t slot, std::string_view name,
                           float otherwise) {
  if (node.attributes.has(name)) return static_cast<float>(node.attributes.get_float(name, otherwise));
  return scalar_input(editor, node, slot, otherwise);
}

std::optional<std::vector<float>> per_channel(const Tensor& constant, const Shape& shape, std::size_t axis) {
  if (!constant.defined() || !is_float(constant.dtype()) || constant.shape().rank() > shape.rank()) return std::nullopt;
  const std::size_t missing = shape.rank() - constant.shape().rank();
  for (std::size_t i = 0; i < constant.shape().rank(); ++i) {
    const auto extent = constant.shape()[i];
    if (extent != 1 && (i + missing != axis || extent != shape[axis])) return std::nullopt;
  }
  auto values = floats(constant);
  if (values.size() == 1) values.resize(static_cast<std::size_t>(shape[axis]), values.front());
  return values;
}

bool Scale::operator==(const Scale& other) const {
  return scale == other.scale && zero == other.zero && dtype == other.dtype && (per_tensor() || axis == other.axis);
}

float lowest(DType dtype) { return dtype == DType::u8 ? 0.0f : dtype == DType::f8e4m3 ? -448.0f : -128.0f; }

float highest(DType dtype) { return dtype == DType::u8 ? 255.0f : dtype == DType::f8e4m3 ? 448.0f : 127.0f; }

std::optional<Scale> scale_of(const Editor& editor, const Node& node) {
  if (node.op != "QuantizeLinear" && node.op != "DequantizeLinear") return std::nullopt;
  const Tensor& scale = editor.constant(node.inputs[1]);
  if (!scale.defined() || scale.dtype() != DType::f32 || node.attributes.get_int("block_size", 0) != 0)
    return std::nullopt;
  const bool quantise = node.op == "QuantizeLinear";
  if (editor.type(quantise ? node.inputs[0] : node.outputs[0]).dtype != DType::f32) return std::nullopt;
  Scale result;
  result.scale = floats(scale);
  result.zero.assign(result.scale.size(), 0);
  result.dtype = editor.type(quantise ? node.outputs[0] : node.inputs[0]).dtype;
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    const Tensor& zero = editor.constant(node.inputs[2]);
    if (!zero.defined() || zero.count() != scale.count()) return std::nullopt;
    result.zero = floats(zero);
  }
  const Shape& shape = editor.shape(node.inputs[0]);
  if (!result.per_tensor()) {
    result.axis = normalize_axis(node.attributes.get_int("axis", 1), shape.rank());
    if (scale.shape().rank() != 1 || scale.count() != shape[result.axis]) return std::nullopt;
  }
  const bool sane = std::all_of(result.scale.begin(), result.scale.end(), [](float s) { return s > 0; });
  return sane ? std::optional(result) : std::nullopt;
}

ValueId add_like(Editor& editor, int model, ValueId input, std::size_t axis) {
  const Node copy = editor.node(model);
  auto inputs = copy.inputs;
  inputs[0] = input;
  auto attributes = copy.attributes;
  attributes.erase("axis");
  if (editor.type(inputs[1]).shape.count() > 1) attributes.set("axis", static_cast<std::int64_t>(axis));
  return editor.add(copy.op, std::move(inputs), std::move(attributes), copy.name);
}

void Weights::permute(std::span<const std::size_t> perm) {
  data = permuted(data, perm);
  if (scale && !scale->per_tensor())
    scale->axis = static_cast<std::size_t>(std::find(perm.begin(), perm.end(), scale->axis) - perm.begin());
}

void Weights::reshape(Shape shape, std::size_t axis) {
  data = data.reshaped(std::move(shape));
  if (scale && !scale->per_tensor()) scale->axis = axis;
}

std::optional<Weights> weights_of(Editor& editor, ValueId id) {
  if (id == kNoValue) return std::nullopt;
  if (const Tensor& tensor = editor.constant(id); tensor.defined()) return Weights{tensor, std::nullopt};
  if (editor.producer_op(id) != "DequantizeLinear") return std::nullopt;
  const Node& node = editor.node(editor.producer(id));
  const Tensor& tensor = editor.constant(node.inputs[0]);
  const auto scale = scale_of(editor, node);
  if (!tensor.defined() || !scale || !is_quantised(scale->dtype)) return std::nullopt;
  return Weights{tensor, scale};
}

ValueId add_weights(Editor& editor, const Weights& weights, std::string_view name) {
  const ValueId data = editor.add_constant(name, weights.data);
  if (!weights.scale) return data;
  const auto& scale = *weights.scale;
  const Shape shape = scale.per_tensor() ? Shape{} : Shape{static_cast<std::int64_t>(scale.scale.size())};
  const auto stem = std::string(name);
  const ValueId factor = editor.add_constant(stem + "_scale", from_floats(shape, scale.scale));
  const ValueId zero = editor.add_constant(stem + "_zero", from_floats(shape, scale.zero, scale.dtype));
  Attributes attributes;
  if (!scale.per_tensor()) attributes.set("axis", static_cast<std::int64_t>(scale.axis));
  return editor.add("DequantizeLinear", {data, factor, zero}, std::move(attributes), stem);
}

}  // namespace halftone
