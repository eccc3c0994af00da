#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/tensor.h"

namespace halftone {

using Attribute =
    std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, Tensor>;

/// An operator application's attributes, sorted by name. Names and meanings are ONNX's.
/// A list of one and a scalar are interchangeable to the readers; a list shorter than asked is an error, except that a
/// list of one stands for a list of equal values (`strides=2` is `strides=2,2`).
class Attributes {
 public:
  using Entry = std::pair<std::string, Attribute>;

  bool has(std::string_view name) const { return find(name) != nullptr; }
  const Attribute* find(std::string_view name) const;
  void set(std::string_view name, Attribute value);
  void erase(std::string_view name);
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  std::int64_t get_int(std::string_view name, std::int64_t otherwise) const;
  double get_float(std::string_view name, double otherwise) const;
  std::string get_string(std::string_view name, std::string_view otherwise) const;
  /// Empty where absent.
  std::vector<std::int64_t> get_ints(std::string_view name) const;
  std::vector<double> get_floats(std::string_view name) const;
  /// `count` integers: a list of one is repeated, an absent attribute gives `otherwise` everywhere.
  std::vector<std::int64_t> get_ints(std::string_view name, std::size_t count, std::int64_t otherwise) const;
  /// Undefined where absent.
  Tensor get_tensor(std::string_view name) const;

  bool operator==(const Attributes& other) const;

 private:
  std::vector<Entry> entries_;
};

/// The inverse of TensorType::text(), for at most 12 dimensions. Throws invalid_argument.
TensorType parse_tensor_type(std::string_view text);

/// "2", "0.5", "relu"; lists "1,2", "3," (of one), "1*4" (four equal integers), "[]"; a tensor "<f32:2;0.5,1>".
std::string text(const Attribute& value);

/// The inverse. Throws invalid_argument.
Attribute parse_attribute(std::string_view text);

}  // namespace halftone
