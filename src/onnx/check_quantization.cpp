#include "onnx/check_quantization.h"

#include <cmath>
#include <vector>

namespace halftone {
namespace {

std::vector<std::size_t> scale_inputs(const Node& node) {
  if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") return {1};
  if (node.op == "QLinearConv" || node.op == "QLinearMatMul") return {1, 4, 6};
  return {};
}

}  // namespace

void check_quantization(const Graph& graph) {
  for (const auto& node : graph.nodes) {
    for (const auto slot : scale_inputs(node)) {
      if (slot >= node.inputs.size() || node.inputs[slot] == kNoValue) continue;
      const Value& scale = graph.value(node.inputs[slot]);
      if (!scale.is_constant()) continue;
      const auto values = scale.constant.to_doubles();
      for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]) || values[i] <= 0)
          fail(Code::invalid_model, "node '{}': scale {} of '{}' is {}, a positive number is needed", node.name, i,
               scale.name, values[i]);
    }
    if (node.op != "DequantizeLinear" || node.inputs.size() < 3 || node.inputs[2] == kNoValue) continue;
    const Value& zero = graph.value(node.inputs[2]);
    if (!zero.is_constant() || zero.constant.dtype() != DType::i32) continue;
    for (const auto value : zero.constant.to_ints())
      if (value != 0)
        fail(Code::invalid_model, "node '{}': zero point '{}' of 32-bit data is {}, 0 is needed", node.name, zero.name,
             value);
  }
}

}  // namespace halftone
