#include <algorithm>
#include <map>
#include <string>

#include "graph/ops/helpers.h"

namespace halftone {
namespace {

/// An equation such as "...ij,...jk->...ik" for given operands: one label an axis, ellipses written out as '0', '1', …
struct Equation {
  std::vector<std::string> terms;
  std::string output;
  std::string summed;  ///< labels that are not in the output
  std::map<char, std::int64_t> extents;

  Shape shape_of(const std::string& labels) const {
    Shape shape;
    for (const char label : labels) shape.push_back(extents.at(label));
    return shape;
  }
};

bool is_label(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// A term with its ellipsis replaced by the last `covered` of the digits below `digits`.
std::string without_ellipsis(const std::string& term, std::size_t covered, std::size_t digits) {
  const auto dots = term.find("...");
  std::string labels;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (i == dots) {
      for (std::size_t k = digits - covered; k < digits; ++k) labels += static_cast<char>('0' + k);
      i += 2;
    } else if (is_label(term[i])) {
      labels += term[i];
    } else {
      fail(Code::invalid_model, "'{}' is no label, in the term '{}'", term[i], term);
    }
  }
  return labels;
}

Equation equation_of(const Attributes& attributes, const std::vector<Shape>& shapes) {
  std::string text = attributes.get_string("equation", "");
  std::erase(text, ' ');
  const auto arrow = text.find("->");
  std::vector<std::string> terms(1);
  for (const char c : text.substr(0, arrow)) {
    if (c == ',') terms.emplace_back();
    else terms.back() += c;
  }
  if (terms.size() != shapes.size())
    fail(Code::invalid_model, "equation '{}' has {} terms for {} inputs", text, terms.size(), shapes.size());
  std::size_t digits = 0;
  std::vector<std::size_t> covered(terms.size(), 0);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool open = terms[i].find("...") != std::string::npos;
    const std::size_t labels = terms[i].size() - (open ? 3 : 0);
    const std::size_t rank = shapes[i].rank();
    if (open ? labels > rank || rank - labels > 10 : labels != rank)
      fail(Code::invalid_model, "term '{}' does not fit {}", terms[i], shapes[i].text());
    covered[i] = rank - labels;
    digits = std::max(digits, covered[i]);
  }

  Equation equation;
  std::map<char, int> uses;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    equation.terms.push_back(without_ellipsis(terms[i], covered[i], digits));
    for (std::size_t axis = 0; axis < shapes[i].rank(); ++axis) {
      const char label = equation.terms[i][axis];
      ++uses[label];
      const auto [place, fresh] = equation.extents.emplace(label, shapes[i][axis]);
      if (fresh || place->second == shapes[i][axis] || shapes[i][axis] == 1) continue;
      if (place->second != 1)
        fail(Code::invalid_model, "label '{}' is both {} and {}", label, place->second, shapes[i][axis]);
      place->second = shapes[i][axis];
    }
  }
  if (arrow != std::string::npos) {
    equation.output = without_ellipsis(text.substr(arrow + 2), digits, digits);
  } else {  // the labels used once, in order; an ellipsis stands first, as digits come before letters
    for (const auto& [label, count] : uses)
      if (count == 1 || !is_label(label)) equation.output += label;
  }
  for (std::size_t i = 0; i < equation.output.size(); ++i)
    if (!uses.contains(equation.output[i]) || equation.output.find(equation.output[i]) != i)
      fail(Code::invalid_model, "equation '{}' has no such output", text);
  for (const auto& [label, count] : uses)
    if (equation.output.find(label) == std::string::npos) equation.summed += label;
  (void)equation.shape_of(equation.output + equation.summed).count();
  return equation;
}

void infer(InferContext& context) {
  ops::require_dtype(context, 0, ops::kNumbers);
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < context.input_count(); ++i) {
    ops::require_same_dtype(context, 0, i);
    shapes.push_back(context.shape(i));
  }
  const auto equation = equation_of(context.attributes, shapes);
  context.set_output(0, context.input(0).dtype, equation.shape_of(equation.output));
}

/// For each operand the strides that follow `labels`; a label it repeats walks its diagonal.
std::vector<std::vector<std::int64_t>> strides_along(const std::string& labels, const Equation& equation,
                                                     const std::vector<Shape>& shapes) {
  std::vector<std::vector<std::int64_t>> all;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto own = strides_of(shapes[i]);
    std::vector<std::int64_t> strides(labels.size(), 0);
    for (std::size_t axis = 0; axis < own.size(); ++axis)
      if (const auto at = labels.find(equation.terms[i][axis]); at != std::string::npos && shapes[i][axis] != 1)
        strides[at] += own[axis];
    all.push_back(std::move(strides));
  }
  return all;
}

void reference(const ReferenceContext& context) {
  std::vector<Shape> shapes;
  for (const auto& input : context.inputs) shapes.push_back(input.shape());
  const auto equation = equation_of(context.attributes, shapes);
  const Shape summed = equation.shape_of(equation.summed);
  const std::int64_t terms = summed.count();
  ops::visit_number(context.outputs[0].dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    auto y = context.outputs[0].data<T>();
    ops::Walk outer(context.outputs[0].shape(), strides_along(equation.output, equation, shapes));
    for (std::size_t i = 0; i < y.size(); ++i, outer.next()) {
      ops::Walk inner(summed, strides_along(equation.summed, equation, shapes));
      Sum total{};
      for (std::int64_t k = 0; k < terms; ++k, inner.next()) {
        Sum product{1};
        for (std::size_t n = 0; n < shapes.size(); ++n)
          product *= static_cast<Sum>(ops::compute(context.inputs[n].data<T>()[outer.offset(n) + inner.offset(n)]));
        total += product;
      }
      y[i] = ops::stored<T>(total);
    }
  });
}

double flops(const Problem& problem) {
  std::vector<Shape> shapes;
  for (const auto& operand : problem.inputs) shapes.push_back(operand.type.shape);
  const auto equation = equation_of(problem.attributes, shapes);
  return 2 * static_cast<double>(equation.shape_of(equation.output + equation.summed).count());
}

}  // namespace

extern const Op op_Einsum;
const Op op_Einsum{
    .name = "Einsum", .max_inputs = Op::kAnyNumber, .infer = infer, .reference = reference, .flops = flops};

}  // namespace halftone
