#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "graph/attributes.h"

namespace halftone {

/// One input of a Problem: its type, whether it is a constant a kernel may pack, or that it is left out.
struct Operand {
  TensorType type;
  bool constant = false;
  bool present() const { return type.known(); }
  bool operator==(const Operand&) const = default;
};

/// One operator application without names or wires. `outputs` follows from the rest (infer_outputs fills it).
///
/// The canonical text line: operator, operands, attributes in order of name:
///   `FusedConv f32:1x56x56x64 f32:64x3x3x64! f32:64! act=relu pads=1*4 strides=1*2`
/// `!` marks a constant, `_` an input left out in the middle.
struct Problem {
  std::string op;
  Attributes attributes;
  std::vector<Operand> inputs;
  std::vector<TensorType> outputs;

  bool has(std::size_t input) const { return input < inputs.size() && inputs[input].present(); }
  const TensorType& input(std::size_t index) const { return inputs[index].type; }
  const TensorType& output(std::size_t index = 0) const { return outputs[index]; }
  bool constant(std::size_t input) const { return has(input) && inputs[input].constant; }

  std::string text() const;
  /// Reads a line and infers the outputs. Throws invalid_argument (not a Problem line), unsupported (no such operator)
  /// or invalid_model (shapes that do not fit).
  static Problem parse(std::string_view line);
};

/// Arithmetic and traffic of a Problem. flops counts a multiply-add as two.
struct Cost {
  double flops = 0;
  double macs = 0;
  double bytes = 0;  ///< each input read once, each output written once
};

Cost cost(const Problem& problem);

}  // namespace halftone
