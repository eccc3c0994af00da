#include "graph/attributes.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace halftone {
namespace {

[[noreturn]] void wrong_kind(std::string_view name, std::string_view wanted) {
  fail(Code::invalid_model, "attribute '{}' is not {}", name, wanted);
}

std::string float_text(double value) {
  // Attributes come from 32-bit floats; print the shortest text that gives the float back, and mark it as a float.
  std::string text = fmt::format("{}", static_cast<float>(value));
  if (text.find_first_of(".eni") == std::string::npos) text += ".0";
  return text;
}

bool same(const Attribute& a, const Attribute& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<Tensor>(&a)) {
    const auto& y = std::get<Tensor>(b);
    if (x->defined() != y.defined()) return false;
    return !x->defined() || (x->type() == y.type() && std::memcmp(x->raw(), y.raw(), x->bytes()) == 0);
  }
  return std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Tensor>) return false;
        else return value == std::get<T>(b);
      },
      a);
}

std::optional<std::int64_t> as_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> as_float(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The numbers between commas: as integers where all are, else as floats.
std::variant<std::vector<std::int64_t>, std::vector<double>> parse_numbers(std::string_view text) {
  std::vector<double> floats;
  std::vector<std::int64_t> ints;
  bool all_ints = true;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto item = text.substr(begin, end - begin);
    const auto number = as_float(item);
    if (!number) fail(Code::invalid_argument, "'{}' in '{}' is not a number", item, text);
    floats.push_back(*number);
    if (const auto integer = as_int(item)) ints.push_back(*integer);
    else all_ints = false;
    begin = end + 1;
  }
  if (all_ints) return ints;
  return floats;
}

Tensor parse_tensor(std::string_view text) {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos || !text.ends_with('>'))
    fail(Code::invalid_argument, "'{}' is not a tensor such as <f32:2;0.5,1>", text);
  const auto type = parse_tensor_type(text.substr(1, semicolon - 1));
  const auto numbers = parse_numbers(text.substr(semicolon + 1, text.size() - semicolon - 2));
  return std::visit(
      [&](const auto& values) {
        if (static_cast<std::int64_t>(values.size()) != type.shape.count())
          fail(Code::invalid_argument, "{} values for {}", values.size(), type.text());
        using T = typename std::decay_t<decltype(values)>::value_type;
        return Tensor::from(type.shape, std::span<const T>(values)).to(type.dtype);
      },
      numbers);
}

}  // namespace

const Attribute* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : entries_)
    if (key == name) return &value;
  return nullptr;
}

void Attributes::set(std::string_view name, Attribute value) {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), name,
                                      [](const Entry& entry, std::string_view key) { return entry.first < key; });
  if (place != entries_.end() && place->first == name) place->second = std::move(value);
  else entries_.insert(place, {std::string(name), std::move(value)});
}

void Attributes::erase(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == name; });
}

std::int64_t Attributes::get_int(std::string_view name, std::int64_t otherwise) const {
  const Attribute* value = find(name);
  if (!value) return otherwise;
  if (const auto* number = std::get_if<std::int64_t>(value)) return *number;
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(value); list && list->size() == 1) return list->front();
  wrong_kind(name, "an integer");
}

double Attributes::get_float(std::string_view name, double otherwise) const {
  const Attribute* value = find(name);
  if (!value) return otherwise;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* list = std::get_if<std::vector<double>>(value); list && list->size() == 1) return list->front();
  return static_cast<double>(get_int(name, 0));
}

std::string Attributes::get_string(std::string_view name, std::string_view otherwise) const {
  const Attribute* value = find(name);
  if (!value) return std::string(otherwise);
  if (const auto* word = std::get_if<std::string>(value)) return *word;
  wrong_kind(name, "a string");
}

std::vector<std::int64_t> Attributes::get_ints(std::string_view name) const {
  const Attribute* value = find(name);
  if (!value) return {};
  if (const auto* number = std::get_if<std::int64_t>(value)) return {*number};
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(value)) return *list;
  if (const auto* floats = std::get_if<std::vector<double>>(value); floats && floats->empty()) return {};
  wrong_kind(name, "a list of integers");
}

std::vector<double> Attributes::get_floats(std::string_view name) const {
  const Attribute* value = find(name);
  if (!value) return {};
  if (const auto* number = std::get_if<double>(value)) return {*number};
  if (const auto* list = std::get_if<std::vector<double>>(value)) return *list;
  const auto ints = get_ints(name);
  return {ints.begin(), ints.end()};
}

std::vector<std::int64_t> Attributes::get_ints(std::string_view name, std::size_t count, std::int64_t otherwise) const {
  auto values = get_ints(name);
  if (values.empty()) return std::vector<std::int64_t>(count, otherwise);
  if (values.size() == 1) return std::vector<std::int64_t>(count, values.front());
  if (values.size() != count)
    fail(Code::invalid_model, "attribute '{}' has {} values, {} expected", name, values.size(), count);
  return values;
}

Tensor Attributes::get_tensor(std::string_view name) const {
  const Attribute* value = find(name);
  if (!value) return {};
  if (const auto* tensor = std::get_if<Tensor>(value)) return *tensor;
  wrong_kind(name, "a tensor");
}

bool Attributes::operator==(const Attributes& other) const {
  return std::equal(entries_.begin(), entries_.end(), other.entries_.begin(), other.entries_.end(),
                    [](const Entry& a, const Entry& b) { return a.first == b.first && same(a.second, b.second); });
}

TensorType parse_tensor_type(std::string_view token) {
  const auto colon = token.find(':');
  const auto dtype = colon == std::string_view::npos ? std::nullopt : parse_dtype(token.substr(0, colon));
  if (!dtype) fail(Code::invalid_argument, "'{}' is not a tensor type such as f32:1x3x224x224", token);
  Shape shape;
  const auto dims = token.substr(colon + 1);
  for (std::size_t begin = 0; begin < dims.size();) {
    const auto end = std::min(dims.find('x', begin), dims.size());
    std::int64_t extent = -1;
    const auto [stop, error] = std::from_chars(dims.data() + begin, dims.data() + end, extent);
    if (error != std::errc{} || stop != dims.data() + end || extent < 0 || end + 1 == dims.size())
      fail(Code::invalid_argument, "'{}' is not a tensor type such as f32:1x3x224x224", token);
    shape.push_back(extent);
    begin = end + 1;
  }
  if (shape.rank() > 12) fail(Code::invalid_argument, "'{}' has more than 12 dimensions", token);
  (void)shape.count();
  return {*dtype, std::move(shape)};
}

std::string text(const Attribute& value) {
  struct Printer {
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return float_text(number); }
    std::string operator()(const std::string& word) const { return word; }
    std::string operator()(const std::vector<std::int64_t>& list) const {
      if (list.empty()) return "[]";
      const bool equal = std::all_of(list.begin(), list.end(), [&](auto item) { return item == list.front(); });
      if (equal && list.size() > 1) return fmt::format("{}*{}", list.front(), list.size());
      return list.size() == 1 ? fmt::format("{},", list.front()) : fmt::format("{}", fmt::join(list, ","));
    }
    std::string operator()(const std::vector<double>& list) const {
      if (list.empty()) return "[]";
      std::string result;
      for (std::size_t i = 0; i < list.size(); ++i) result += (i ? "," : "") + float_text(list[i]);
      return list.size() == 1 ? result + "," : result;
    }
    std::string operator()(const Tensor& tensor) const {
      if (!is_float(tensor.dtype()))
        return fmt::format("<{};{}>", tensor.type().text(), fmt::join(tensor.to_ints(), ","));
      const auto values = tensor.to_doubles();
      if (tensor.dtype() == DType::f64) return fmt::format("<{};{}>", tensor.type().text(), fmt::join(values, ","));
      const std::vector<float> floats(values.begin(), values.end());
      return fmt::format("<{};{}>", tensor.type().text(), fmt::join(floats, ","));
    }
  };
  return std::visit(Printer{}, value);
}

Attribute parse_attribute(std::string_view text) {
  if (text.starts_with('<')) return parse_tensor(text);
  if (text == "[]") return std::vector<std::int64_t>{};
  if (const auto number = as_int(text)) return *number;
  if (const auto number = as_float(text)) return *number;
  if (const auto star = text.find('*'); star != std::string_view::npos) {
    const auto value = as_int(text.substr(0, star));
    const auto times = as_int(text.substr(star + 1));
    if (value && times && *times > 0 && *times <= 64)
      return std::vector<std::int64_t>(static_cast<std::size_t>(*times), *value);
  }
  // A comma after a number makes a list; other words may have commas (Einsum's equations).
  if (const auto comma = text.find(','); comma != std::string_view::npos && as_float(text.substr(0, comma))) {
    return std::visit([](auto list) -> Attribute { return list; }, parse_numbers(text));
  }
  return std::string(text);
}

}  // namespace halftone
