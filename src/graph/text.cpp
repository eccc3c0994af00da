#include "graph/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

namespace halftone {
namespace {

constexpr std::int64_t kMostPrinted = 16;
constexpr std::string_view kNotInNames = " \t\r\n,()=#\"";

std::string quoted(const std::string& name) {
  const bool plain = !name.empty() && name != "_" && name.find_first_of(kNotInNames) == std::string::npos;
  return plain ? name : '"' + name + '"';
}

std::string number_text(DType dtype, double value) {
  if (dtype == DType::f64) return fmt::format("{}", value);
  if (is_float(dtype)) return fmt::format("{}", static_cast<float>(value));
  return fmt::format("{}", static_cast<std::int64_t>(value));
}

std::string constant_text(const Tensor& tensor) {
  if (tensor.count() > kMostPrinted) {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    const auto* bytes = static_cast<const unsigned char*>(tensor.raw());
    for (std::size_t i = 0; i < tensor.bytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return fmt::format("elided({:016x})", hash);
  }
  std::string text = "[";
  for (const double value : tensor.to_doubles())
    text += (text.size() > 1 ? " " : "") + number_text(tensor.dtype(), value);
  return text + "]";
}

std::string input_type_text(const Value& value) {
  std::string text = fmt::format("{}:", name(value.type.dtype));
  for (std::size_t axis = 0; axis < value.type.shape.rank(); ++axis) {
    if (axis) text += 'x';
    if (axis < value.dim_names.size() && !value.dim_names[axis].empty()) text += value.dim_names[axis] + '@';
    text += fmt::format("{}", value.type.shape[axis]);
  }
  return text;
}

/// Reads one line from left to right.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) { skip_blanks(); }

  bool done() const { return rest_.empty(); }
  bool accept(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_blanks();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail(Code::invalid_argument, "'{}' expected before '{}'", token, rest_);
  }
  std::string name() {
    if (!rest_.empty() && rest_.front() == '"') {
      const auto end = rest_.find('"', 1);
      if (end == std::string_view::npos) fail(Code::invalid_argument, "a quote is not closed: {}", rest_);
      return std::string(take(end + 1).substr(1, end - 1));
    }
    return std::string(until(kNotInNames));
  }
  /// The non-empty text before any of `stops`.
  std::string_view until(std::string_view stops) {
    const auto end = std::min(rest_.find_first_of(stops), rest_.size());
    if (end == 0) fail(Code::invalid_argument, "a word expected before '{}'", rest_);
    return take(end);
  }
  std::string_view word() { return until(" \t\r"); }

 private:
  std::string_view take(std::size_t count) {
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    skip_blanks();
    return taken;
  }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size())); }

  std::string_view rest_;
};

template <typename T>
T number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    fail(Code::invalid_argument, "'{}' is not a number", text);
  return value;
}

struct ParsedType {
  TensorType type;
  std::vector<std::string> dim_names;  // empty where all extents are fixed
};

ParsedType parse_type(std::string_view text) {
  const auto colon = text.find(':');
  const auto dtype = colon == std::string_view::npos ? std::nullopt : parse_dtype(text.substr(0, colon));
  if (!dtype || *dtype == DType::none)
    fail(Code::invalid_argument, "'{}' is not a tensor type such as f32:1x3x8x8", text);
  ParsedType result{{*dtype, {}}, {}};
  bool symbolic = false;
  for (auto dims = text.substr(colon + 1); !dims.empty();) {
    const auto end = std::min(dims.find('x'), dims.size());
    auto extent = dims.substr(0, end);
    if (extent.empty() || end + 1 == dims.size()) fail(Code::invalid_argument, "an empty extent in '{}'", text);
    dims.remove_prefix(std::min(end + 1, dims.size()));
    std::string dim_name;
    if (extent.front() < '0' || extent.front() > '9') {
      const auto at = extent.find('@');
      dim_name = std::string(extent.substr(0, at));
      if (dim_name.empty()) fail(Code::invalid_argument, "an extent without a name in '{}'", text);
      extent = at == std::string_view::npos ? "1" : extent.substr(at + 1);
      symbolic = true;
    }
    result.type.shape.push_back(number<std::int64_t>(extent));
    result.dim_names.push_back(std::move(dim_name));
  }
  if (result.type.shape.rank() > 12) fail(Code::invalid_argument, "'{}' has more than 12 dimensions", text);
  (void)result.type.shape.count();
  if (!symbolic) result.dim_names.clear();
  return result;
}

/// splitmix64 (Steele, Lea, Flood 2014), as a double in [0, 1).
double next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

template <typename Next>
Tensor filled(const TensorType& type, Next next) {
  std::vector<double> values(static_cast<std::size_t>(type.shape.count()));
  for (auto& value : values) value = next();
  return Tensor::from(type.shape, std::span<const double>(values)).to(type.dtype);
}

Tensor random_constant(const TensorType& type, Line& line) {
  auto state = number<std::uint64_t>(line.until(" ,)"));
  double low = is_float(type.dtype) ? -1 : type.dtype == DType::u8 ? 0 : type.dtype == DType::boolean ? 0 : -128;
  double high = is_float(type.dtype) ? 1 : type.dtype == DType::u8 ? 256 : type.dtype == DType::boolean ? 2 : 128;
  if (line.accept(",")) {
    low = number<double>(line.until(" ,)"));
    line.expect(",");
    high = number<double>(line.until(" ,)"));
  }
  line.expect(")");
  return filled(type, [&] {
    const double value = low + (high - low) * next_random(state);
    return is_float(type.dtype) ? value : std::floor(value);
  });
}

Tensor parse_constant(const TensorType& type, Line& line) {
  if (line.accept("zeros")) return filled(type, [] { return 0.0; });
  if (line.accept("random(")) return random_constant(type, line);
  if (line.accept("full(")) {
    const auto value = number<double>(line.until(" )"));
    line.expect(")");
    return filled(type, [&] { return value; });
  }
  line.expect("[");
  std::vector<double> values;
  while (!line.accept("]")) {
    values.push_back(number<double>(line.until(" ,]")));
    line.accept(",");
  }
  if (static_cast<std::int64_t>(values.size()) != type.shape.count())
    fail(Code::invalid_argument, "{} values for {}", values.size(), type.text());
  return Tensor::from(type.shape, std::span<const double>(values)).to(type.dtype);
}

class Parser {
 public:
  void read(Line line) {
    if (line.done()) return;
    if (line.accept("graph ")) {
      graph.name = line.name();
    } else if (line.accept("input ")) {
      const auto id = define(line.name());
      auto parsed = parse_type(line.word());
      graph.value(id).type = parsed.type;
      graph.value(id).dim_names = std::move(parsed.dim_names);
      graph.inputs.push_back(id);
    } else if (line.accept("const ")) {
      const auto id = define(line.name());
      graph.value(id).type = parse_type(line.word()).type;
      graph.value(id).constant = parse_constant(graph.value(id).type, line);
    } else if (line.accept("output ")) {
      graph.outputs.push_back(find(line.name()));
    } else {
      read_node(line);
    }
    if (!line.done()) fail(Code::invalid_argument, "unexpected text at the end: '{}'", line.word());
  }

  Graph graph;

 private:
  void read_node(Line& line) {
    std::vector<std::string> made;
    do made.push_back(line.name());
    while (line.accept(","));
    line.expect("=");
    Node node;
    node.op = line.name();
    node.name = made.front();
    line.expect("(");
    while (!line.accept(")")) {
      const auto input = line.name();
      node.inputs.push_back(input == "_" ? kNoValue : find(input));
      line.accept(",");
    }
    while (!line.done()) {
      const auto key = line.name();
      line.expect("=");
      node.attributes.set(key, parse_attribute(line.word()));
    }
    for (auto& output : made) node.outputs.push_back(output == "_" ? kNoValue : define(output));
    graph.nodes.push_back(std::move(node));
  }

  ValueId define(const std::string& name) {
    if (ids_.contains(name)) fail(Code::invalid_argument, "'{}' is there already", name);
    return ids_[name] = graph.add_value(name);
  }
  ValueId find(const std::string& name) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) fail(Code::invalid_argument, "'{}' is nothing defined above", name);
    return found->second;
  }

  std::unordered_map<std::string, ValueId> ids_;
};

/// The part of a line before a '#' outside quotes.
std::string_view without_comment(std::string_view line) {
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') inside = !inside;
    if (line[i] == '#' && !inside) return line.substr(0, i);
  }
  return line;
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = graph.name.empty() ? "" : fmt::format("graph {}\n", quoted(graph.name));
  for (const auto id : graph.inputs)
    text += fmt::format("input {} {}\n", quoted(graph.value(id).name), input_type_text(graph.value(id)));
  std::vector<char> printed(graph.values.size(), 0);
  const auto print_constant = [&](ValueId id) {
    if (id == kNoValue || !graph.value(id).is_constant() || printed[static_cast<std::size_t>(id)]++) return;
    const auto& value = graph.value(id);
    text += fmt::format("const {} {} {}\n", quoted(value.name), value.constant.type().text(),
                        constant_text(value.constant));
  };
  const auto names = [&](const std::vector<ValueId>& ids) {
    std::vector<std::string> list;
    for (const auto id : ids) list.push_back(id == kNoValue ? "_" : quoted(graph.value(id).name));
    return fmt::format("{}", fmt::join(list, ", "));
  };
  for (const auto& node : graph.nodes) {
    for (const auto id : node.inputs) print_constant(id);
    text += fmt::format("{} = {}({})", names(node.outputs), node.op, names(node.inputs));
    for (const auto& [key, value] : node.attributes.entries())
      text += fmt::format(" {}={}", key, halftone::text(value));
    std::vector<std::string> types;
    for (const auto id : node.outputs)
      if (id != kNoValue && graph.value(id).type.known()) types.push_back(graph.value(id).type.text());
    if (!types.empty()) text += fmt::format("  # {}", fmt::join(types, ", "));
    text += '\n';
  }
  for (const auto id : graph.outputs) print_constant(id);
  for (const auto id : graph.outputs) text += fmt::format("output {}\n", quoted(graph.value(id).name));
  return text;
}

Graph parse_graph(std::string_view text) {
  Parser parser;
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    try {
      parser.read(Line(without_comment(text.substr(0, end))));
    } catch (Error& error) {
      throw Error(Code::invalid_argument, fmt::format("line {}: {}", line, error.what()));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  parser.graph.verify();
  infer_types(parser.graph);
  return std::move(parser.graph);
}

}  // namespace halftone
