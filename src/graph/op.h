#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/problem.h"

namespace halftone {

/// What an operator's `infer` sees: attributes (with its structural inputs already among them) and input types.
class InferContext {
 public:
  InferContext(const Attributes& attributes, std::span<const TensorType> inputs, std::size_t output_count)
      : attributes(attributes), inputs_(inputs), outputs_(output_count) {}

  const Attributes& attributes;
  std::size_t input_count() const { return inputs_.size(); }
  bool has(std::size_t index) const { return index < inputs_.size() && inputs_[index].known(); }
  /// Throws invalid_model when the input is absent.
  const TensorType& input(std::size_t index) const;
  const Shape& shape(std::size_t index) const { return input(index).shape; }
  /// As many outputs as the node names (an optional last one may be missing).
  std::size_t output_count() const { return outputs_.size(); }
  void set_output(std::size_t index, DType dtype, Shape shape);
  const std::vector<TensorType>& outputs() const { return outputs_; }

 private:
  std::span<const TensorType> inputs_;
  std::vector<TensorType> outputs_;
};

/// What a `reference` sees. Absent inputs are undefined tensors; outputs are allocated with the inferred types.
struct ReferenceContext {
  const Attributes& attributes;
  std::span<const Tensor> inputs;
  std::span<Tensor> outputs;
  bool has(std::size_t index) const { return index < inputs.size() && inputs[index].defined(); }
};

/// An input that shapes the result (axes, pads, target shape …) and must be constant when an engine is built. It is
/// read as the attribute `name`, so that a Problem is complete without values.
struct StructuralInput {
  std::size_t index;
  std::string_view name;
  bool typed = false;  ///< kept as a tensor, because its element type or shape matters; else integers or floats
};

/// The attribute a structural input's value becomes, or nothing where it is an empty tensor that stands for absence.
std::optional<Attribute> attribute_of(const StructuralInput& structural, const Tensor& value);

/// One operator: what it means. Plain ONNX operators carry ONNX's name and the newest opset's meaning; the reader
/// brings older forms to it. Operators of our own (FusedConv) are `internal`: never written to ONNX.
struct Op {
  std::string_view name;
  std::size_t min_inputs = 1;
  std::size_t max_inputs = 1;  ///< kAnyNumber for variadic
  std::size_t max_outputs = 1;
  std::span<const StructuralInput> structural = {};
  void (*infer)(InferContext&) = nullptr;
  /// Plain, obviously right, single-threaded. Either this or `expand` is there.
  void (*reference)(const ReferenceContext&) = nullptr;
  /// The same meaning as a small graph of plain operators whose inputs and outputs are the Problem's, in order.
  Graph (*expand)(const Problem&) = nullptr;
  /// Multiply-adds and other arithmetic; bytes are counted for all operators alike. Null: one flop an output element.
  double (*flops)(const Problem&) = nullptr;
  bool internal = false;

  static constexpr std::size_t kAnyNumber = 1u << 20;
};

/// The row of an operator, or nullptr.
const Op* find_op(std::string_view name);

/// All rows, in the order of ops.def.
std::span<const Op* const> all_ops();

/// The types of the outputs. Throws invalid_model when the inputs do not fit the operator.
std::vector<TensorType> infer_outputs(const Op& op, const Attributes& attributes, std::span<const TensorType> inputs,
                                      std::size_t output_count);

/// Computes a Problem by its op's reference (or its expansion). `inputs` in order, undefined where absent.
std::vector<Tensor> evaluate(const Problem& problem, std::span<const Tensor> inputs);

}  // namespace halftone
