#include "data/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "data/claim.h"

namespace halftone {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kLargestNpyRank = 32;

struct TypeCode {
  std::string_view code;
  DType dtype;
};
constexpr TypeCode kTypes[] = {{"f4", DType::f32}, {"f8", DType::f64}, {"f2", DType::f16}, {"i1", DType::i8},
                               {"u1", DType::u8},  {"i2", DType::i16}, {"u2", DType::u16}, {"i4", DType::i32},
                               {"u4", DType::u32}, {"i8", DType::i64}, {"u8", DType::u64}, {"b1", DType::boolean}};

/// Reads the header, a Python dict literal with the keys descr, fortran_order and shape.
class Header {
 public:
  Header(std::string_view text, std::string_view name) : text_(text), name_(name) { parse(); }

  std::string_view descr;
  std::optional<bool> fortran;
  std::optional<Shape> shape;

 private:
  [[noreturn]] void bad() const {
    fail(Code::invalid_model, "{}: damaged npy: bad header at its character {}", name_, at_);
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) bad();
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::string_view quoted() {
    skip_spaces();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      if (at_ < text_.size() && text_[at_] == '[')
        fail(Code::unsupported, "{}: npy of records; arrays of plain numbers are read", name_);
      bad();
    }
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) bad();
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }

  Shape tuple() {
    Shape result;
    expect('(');
    while (!take(')')) {
      skip_spaces();
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (error != std::errc{} || extent < 0 || result.rank() == kLargestNpyRank) bad();
      at_ = static_cast<std::size_t>(end - text_.data());
      take_word("L");
      result.push_back(extent);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }

  void parse() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") descr = quoted();
      else if (key == "shape") shape = tuple();
      else if (key == "fortran_order" && take_word("True")) fortran = true;
      else if (key == "fortran_order" && take_word("False")) fortran = false;
      else bad();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (descr.empty() || !fortran || !shape) bad();
  }

  std::string_view text_, name_;
  std::size_t at_ = 0;
};

/// From the first axis running fastest to the last.
void to_c_order(const Shape& shape, std::size_t size, const char* source, char* target) {
  std::vector<std::int64_t> index(shape.rank(), 0), step(shape.rank(), 1);
  for (std::size_t axis = 1; axis < shape.rank(); ++axis) step[axis] = step[axis - 1] * shape[axis - 1];
  const std::int64_t count = shape.count();
  std::int64_t from = 0;
  for (std::int64_t i = 0; i < count; ++i, target += size) {
    std::memcpy(target, source + static_cast<std::size_t>(from) * size, size);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      from += step[axis];
      if (++index[axis] < shape[axis]) break;
      from -= step[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

std::string_view code_of(DType dtype) {
  for (const auto& type : kTypes)
    if (type.dtype == dtype) return type.code;
  return {};
}

}  // namespace

bool is_npy(std::string_view bytes) { return bytes.starts_with(kMagic); }

Tensor parse_npy(std::string_view bytes, std::string_view name) {
  if (!is_npy(bytes)) fail(Code::invalid_model, "{}: not an npy file", name);
  const auto byte = [&](std::size_t at) -> std::size_t { return static_cast<unsigned char>(bytes[at]); };
  if (bytes.size() < 10) fail(Code::invalid_model, "{}: damaged npy: the file ends within the header", name);
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) fail(Code::unsupported, "{}: npy of version {}; 1 to 3 are read", name, version);
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) fail(Code::invalid_model, "{}: damaged npy: the file ends within the header", name);
  const std::size_t length = byte(8) | byte(9) << 8 | (version == 1 ? 0 : byte(10) << 16 | byte(11) << 24);
  if (length > bytes.size() - start)
    fail(Code::invalid_model, "{}: damaged npy: the file ends within the header", name);
  const Header header(bytes.substr(start, length), name);

  const char order = header.descr.front();
  DType dtype = DType::none;
  for (const auto& type : kTypes)
    if (header.descr.substr(1) == type.code) dtype = type.dtype;
  if (dtype == DType::none || (order != '<' && order != '>' && order != '|' && order != '='))
    fail(Code::unsupported, "{}: npy of type '{}', which no tensor has", name, header.descr);
  const TensorType type{dtype, *header.shape};
  const std::string_view data = bytes.substr(start + length);
  if (claimed_bytes(type, name) != data.size())
    fail(Code::invalid_model, "{}: damaged npy: {} takes {} bytes, {} are there", name, type.text(), type.bytes(),
         data.size());
  Tensor tensor(type);
  const std::size_t size = size_of(dtype);
  auto* target = static_cast<char*>(tensor.raw());
  if (*header.fortran && type.shape.rank() > 1) to_c_order(type.shape, size, data.data(), target);
  else if (!data.empty()) std::memcpy(target, data.data(), data.size());
  for (std::size_t i = 0; order == '>' && size > 1 && i < data.size(); i += size)
    std::reverse(target + i, target + i + size);
  // A bool holds 0 or 1; any other byte would be undefined.
  for (std::size_t i = 0; dtype == DType::boolean && i < data.size(); ++i) target[i] = target[i] != 0;
  return tensor;
}

std::string to_npy(const Tensor& tensor) {
  if (tensor.dtype() == DType::bf16) return to_npy(tensor.to(DType::f32));
  const std::string_view code = code_of(tensor.dtype());
  ASSERT(!code.empty());
  std::string shape = fmt::format("{}", fmt::join(tensor.shape().dims(), ", "));
  if (tensor.shape().rank() == 1) shape += ",";
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   size_of(tensor.dtype()) == 1 ? '|' : '<', code, shape);
  // NumPy asks that the data begin at a multiple of 64 and that the header end in a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(static_cast<const char*>(tensor.raw()), tensor.bytes());
  return bytes;
}

Tensor read_npy(const std::filesystem::path& path) { return parse_npy(read_file(path), path.string()); }

void write_npy(const std::filesystem::path& path, const Tensor& tensor) { write_file(path, to_npy(tensor)); }

}  // namespace halftone
