// Problem lines: what reads must read back from its own text, and small ones must compute.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "graph/op.h"

namespace {

using namespace halftone;

constexpr std::int64_t kMostElements = 512;  // of all operands together, for a Problem that is also computed

/// Operators whose work follows from their operands, not from attributes such as a window's extents or pads.
bool is_bounded(std::string_view op) {
  constexpr std::array kUnbounded{"AveragePool", "ConvInteger", "ConvTranspose", "Conv",        "FusedConv",
                                  "LRN",         "LpPool",      "MaxPool",       "QLinearConv", "Resize"};
  return std::find(kUnbounded.begin(), kUnbounded.end(), op) == kUnbounded.end();
}

/// Elements from the line itself: any bytes will do, but a bool holds 0 or 1.
Tensor filled(const TensorType& type, std::string_view line) {
  Tensor tensor(type);
  auto* bytes = static_cast<unsigned char*>(tensor.raw());
  for (std::size_t i = 0; i < tensor.bytes(); ++i) {
    bytes[i] = static_cast<unsigned char>(line[i % line.size()] * 7 + static_cast<int>(i) * 31);
    if (type.dtype == DType::boolean) bytes[i] &= 1;
  }
  return tensor;
}

void compute_if_small(const Problem& problem, std::string_view line) {
  std::int64_t elements = 0;
  for (const auto& operand : problem.inputs) elements += operand.present() ? operand.type.shape.count() : 0;
  for (const auto& type : problem.outputs) elements += type.known() ? type.shape.count() : 0;
  if (elements > kMostElements || !is_bounded(problem.op)) return;
  std::vector<Tensor> inputs;
  for (const auto& operand : problem.inputs)
    inputs.push_back(operand.present() ? filled(operand.type, line) : Tensor());
  const auto outputs = evaluate(problem, inputs);
  ASSERT(outputs.size() == problem.outputs.size());
}

void read_line(std::string_view line) {
  const Problem problem = Problem::parse(line);
  const std::string text = problem.text();
  const Problem again = Problem::parse(text);
  ASSERT(again.text() == text);
  ASSERT(again.outputs == problem.outputs);
  ASSERT(cost(problem).bytes >= 0);
  compute_if_small(problem, line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_line({reinterpret_cast<const char*>(data), size});
  } catch (const halftone::Error& error) {
    ASSERT(error.what()[0] != '\0');
  }
  return 0;
}
