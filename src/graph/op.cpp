#include "graph/op.h"

#include <algorithm>
#include <unordered_map>

namespace halftone {

#define HALFTONE_OP(name) extern const Op op_##name;
#include "graph/ops.def"
#undef HALFTONE_OP

std::span<const Op* const> all_ops() {
  static const Op* const rows[] = {
#define HALFTONE_OP(name) &op_##name,
#include "graph/ops.def"
#undef HALFTONE_OP
  };
  return rows;
}

const Op* find_op(std::string_view name) {
  static const auto* const index = [] {
    auto* map = new std::unordered_map<std::string_view, const Op*>;
    for (const Op* op : all_ops()) map->emplace(op->name, op);
    return map;
  }();
  const auto found = index->find(name);
  return found == index->end() ? nullptr : found->second;
}

std::optional<Attribute> attribute_of(const StructuralInput& structural, const Tensor& value) {
  if (structural.typed) return value;
  if (!is_float(value.dtype())) return value.to_ints();
  if (value.count() == 0) return std::nullopt;
  return value.to_doubles();
}

const TensorType& InferContext::input(std::size_t index) const {
  if (!has(index)) fail(Code::invalid_model, "input {} is missing", index);
  return inputs_[index];
}

void InferContext::set_output(std::size_t index, DType dtype, Shape shape) {
  if (index >= outputs_.size()) return;
  (void)shape.count();  // refuses negative and absurd extents
  outputs_[index] = {dtype, std::move(shape)};
}

std::vector<TensorType> infer_outputs(const Op& op, const Attributes& attributes, std::span<const TensorType> inputs,
                                      std::size_t output_count) {
  const std::size_t least =
      std::min(op.min_inputs, op.structural.empty() ? op.min_inputs : op.structural.front().index);
  if (inputs.size() < least || inputs.size() > op.max_inputs)
    fail(Code::invalid_model, "{} takes {} to {} inputs, not {}", op.name, least, op.max_inputs, inputs.size());
  for (std::size_t i = 0; i < least; ++i)
    if (!inputs[i].known()) fail(Code::invalid_model, "input {} of {} is missing", i, op.name);
  if (output_count < 1 || output_count > op.max_outputs)
    fail(Code::invalid_model, "{} has 1 to {} outputs, not {}", op.name, op.max_outputs, output_count);
  InferContext context(attributes, inputs, output_count);
  op.infer(context);
  return context.outputs();
}

std::vector<Tensor> evaluate(const Problem& problem, std::span<const Tensor> inputs) {
  const Op* op = find_op(problem.op);
  ASSERT(op != nullptr);
  if (!op->reference) {
    ASSERT(op->expand != nullptr);
    std::vector<Tensor> present;
    for (const auto& input : inputs)
      if (input.defined()) present.push_back(input);
    return evaluate(op->expand(problem), present);
  }
  std::vector<TensorType> types = problem.outputs;
  const auto known = [](const TensorType& type) { return type.known(); };
  if (!std::all_of(types.begin(), types.end(), known)) {  // references write what comes before a wanted output too
    std::vector<TensorType> input_types;
    for (const auto& operand : problem.inputs) input_types.push_back(operand.type);
    types = infer_outputs(*op, problem.attributes, input_types, types.size());
  }
  std::vector<Tensor> outputs(types.begin(), types.end());
  op->reference({problem.attributes, inputs, outputs});
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!problem.outputs[i].known()) outputs[i] = Tensor();
  return outputs;
}

}  // namespace halftone
