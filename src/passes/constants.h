#pragma once
#include <optional>
#include <span>
#include <vector>

#include "passes/editor.h"

/// What passes do with constants.
namespace halftone {

std::vector<float> floats(const Tensor& tensor);
Tensor from_floats(Shape shape, std::span<const float> values, DType dtype = DType::f32);

/// Axis i of the result is axis perm[i] of the tensor, whose memory it shares where no element moves.
Tensor permuted(const Tensor& tensor, std::span<const std::size_t> perm);

/// Whether each number of an attribute's list is this one.
bool all_are(std::span<const std::int64_t> list, std::int64_t value);

/// The element of a constant of one element.
std::optional<float> scalar_of(const Tensor& tensor);

/// The one float behind an optional constant input, or `otherwise` where it is left out; nothing where it varies.
std::optional<float> scalar_input(const Editor& editor, const Node& node, std::size_t slot, float otherwise);

/// A float that newer opsets pass as an input and `fold` turns into an attribute.
std::optional<float> bound(const Editor& editor, const Node& node, std::size_t slot, std::string_view name,
                           float otherwise);

/// A constant broadcast over [.., C, ..] that varies along `axis` (of a value of shape `shape`) at most, as C floats.
std::optional<std::vector<float>> per_channel(const Tensor& constant, const Shape& shape, std::size_t axis);

/// A scale and zero point pair. One element, or one for each index along `axis`.
struct Scale {
  std::vector<float> scale;
  std::vector<float> zero;  ///< as many as scale
  std::size_t axis = 0;
  DType dtype = DType::u8;
  bool per_tensor() const { return scale.size() == 1; }
  bool operator==(const Scale& other) const;
};

/// The ends of what quantised data of a type holds: u8, i8 or f8e4m3.
float lowest(DType dtype);
float highest(DType dtype);

/// Of a QuantizeLinear or DequantizeLinear with constant parameters and no blocks; nothing for other nodes.
std::optional<Scale> scale_of(const Editor& editor, const Node& node);

/// Appends a QuantizeLinear (op "QuantizeLinear") or DequantizeLinear with the same parameters as `model`, on `input`.
ValueId add_like(Editor& editor, int model, ValueId input, std::size_t axis);

/// Constant weights, or 8-bit constant weights behind a DequantizeLinear.
struct Weights {
  Tensor data;
  std::optional<Scale> scale;  ///< for data of 8 bits
  const Shape& shape() const { return data.shape(); }
  void permute(std::span<const std::size_t> perm);
  /// Another shape whose axis `scale->axis` is `axis`.
  void reshape(Shape shape, std::size_t axis);
};
std::optional<Weights> weights_of(Editor& editor, ValueId id);
/// The value that stands for the weights: a constant, or a DequantizeLinear of one.
ValueId add_weights(Editor& editor, const Weights& weights, std::string_view name);

}  // namespace halftone
