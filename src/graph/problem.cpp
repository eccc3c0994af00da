#include "graph/problem.h"

#include <vector>

#include "graph/op.h"

namespace halftone {
namespace {

std::vector<std::string_view> split_words(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin < line.size();) {
    const auto end = std::min(line.find_first_of(" \t\r\n", begin), line.size());
    if (end > begin) words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

std::string Problem::text() const {
  std::string line = op;
  for (const auto& operand : inputs) {
    line += ' ';
    line += operand.present() ? operand.type.text() : "_";
    if (operand.constant) line += '!';
  }
  for (const auto& [key, value] : attributes.entries()) line += fmt::format(" {}={}", key, halftone::text(value));
  if (outputs.size() > 1) line += fmt::format(" outputs={}", outputs.size());
  return line;
}

Problem Problem::parse(std::string_view line) {
  const auto words = split_words(line);
  if (words.empty()) fail(Code::invalid_argument, "an empty Problem line");
  Problem problem;
  problem.op = std::string(words.front());
  const Op* op = find_op(problem.op);
  if (!op) fail(Code::unsupported, "unknown operator '{}'", problem.op);
  std::size_t output_count = 1;
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto word = words[i];
    const auto equals = word.find('=');
    if (equals != std::string_view::npos) {
      const auto key = word.substr(0, equals);
      if (key.empty()) fail(Code::invalid_argument, "'{}' has no attribute name", word);
      auto value = parse_attribute(word.substr(equals + 1));
      if (key != "outputs") {
        problem.attributes.set(key, std::move(value));
        continue;
      }
      const auto* count = std::get_if<std::int64_t>(&value);
      if (!count || *count < 1 || *count > 1024) fail(Code::invalid_argument, "'{}': a number from 1 to 1024", word);
      output_count = static_cast<std::size_t>(*count);
      continue;
    }
    Operand operand;
    if (word != "_") {
      if (word.ends_with('!')) {
        operand.constant = true;
        word.remove_suffix(1);
      }
      operand.type = parse_tensor_type(word);
    }
    problem.inputs.push_back(std::move(operand));
  }
  std::vector<TensorType> types;
  for (const auto& operand : problem.inputs) types.push_back(operand.type);
  problem.outputs = infer_outputs(*op, problem.attributes, types, output_count);
  return problem;
}

Cost cost(const Problem& problem) {
  Cost result;
  for (const auto& operand : problem.inputs)
    if (operand.present()) result.bytes += static_cast<double>(operand.type.bytes());
  double elements = 0;
  for (const auto& output : problem.outputs) {
    if (!output.known()) continue;
    result.bytes += static_cast<double>(output.bytes());
    elements += static_cast<double>(output.shape.count());
  }
  const Op* op = find_op(problem.op);
  if (op && op->flops) {
    result.flops = op->flops(problem);
    result.macs = result.flops / 2;
  } else {
    result.flops = elements;
  }
  return result;
}

}  // namespace halftone
