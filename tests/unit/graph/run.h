#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "graph/op.h"

/// What the tests of this folder share.
namespace halftone {

/// Runs one operator by its reference. The attributes as in a Problem line ("axis=1 keepdims=0").
inline std::vector<Tensor> run_all(std::string_view op, std::string_view attributes, std::vector<Tensor> inputs,
                                   std::size_t output_count = 1) {
  Problem problem;
  problem.op = std::string(op);
  while (!attributes.empty()) {
    const auto end = std::min(attributes.find(' '), attributes.size());
    const auto word = attributes.substr(0, end);
    if (const auto equals = word.find('='); equals != std::string_view::npos)
      problem.attributes.set(word.substr(0, equals), parse_attribute(word.substr(equals + 1)));
    attributes.remove_prefix(std::min(end + 1, attributes.size()));
  }
  std::vector<TensorType> types;
  for (const auto& input : inputs) {
    types.push_back(input.defined() ? input.type() : TensorType{});
    problem.inputs.push_back({types.back(), false});
  }
  problem.outputs = infer_outputs(*find_op(op), problem.attributes, types, output_count);
  return evaluate(problem, inputs);
}

inline Tensor run(std::string_view op, std::string_view attributes, std::vector<Tensor> inputs) {
  return run_all(op, attributes, std::move(inputs)).front();
}

inline Tensor f32(Shape shape, std::initializer_list<float> values) { return Tensor::from(std::move(shape), values); }
inline Tensor i64(Shape shape, std::initializer_list<std::int64_t> values) {
  return Tensor::from(std::move(shape), values);
}

using Doubles = std::vector<double>;
using Ints = std::vector<std::int64_t>;

/// The message of the Error that `function` throws, "" where it throws none; `code` receives its kind.
template <typename Function>
std::string message_of(Function function, Code* code = nullptr) {
  try {
    function();
  } catch (const Error& error) {
    if (code) *code = error.code();
    return error.what();
  }
  return "";
}

}  // namespace halftone
