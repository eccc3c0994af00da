#include "onnx/tensor.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "onnx/external_data.h"
#include "onnx/proto.h"

namespace halftone {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX's raw data is little-endian");

Shape shape_of(const onnx::TensorProto& proto, std::string_view what) {
  if (proto.dims_size() > kLargestRank)
    fail(Code::invalid_model, "{} has {} dimensions, {} at most are supported", what, proto.dims_size(), kLargestRank);
  Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  try {
    (void)shape.count();
  } catch (Error& error) {
    error.add_context(what);
    throw;
  }
  return shape;
}

/// Any byte that is not 0 is true; a bool in memory must be 0 or 1.
void normalise_bools(Tensor& tensor) {
  if (tensor.dtype() != DType::boolean) return;
  auto* bytes = static_cast<std::uint8_t*>(tensor.raw());
  for (std::size_t i = 0; i < tensor.bytes(); ++i) bytes[i] = bytes[i] != 0;
}

std::uint64_t parse_number(const std::string& text, std::string_view key, std::string_view what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    fail(Code::invalid_model, "{}: external data's {} '{}' is not a number", what, key, text);
  return value;
}

Tensor read_external(const onnx::TensorProto& proto, TensorType type, const ExternalData& external,
                     std::string_view what) {
  std::string location;
  std::uint64_t offset = 0;
  std::uint64_t length = std::numeric_limits<std::uint64_t>::max();
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    else if (entry.key() == "offset") offset = parse_number(entry.value(), "offset", what);
    else if (entry.key() == "length") length = parse_number(entry.value(), "length", what);
  }
  try {
    const std::uint64_t there = external.available(location, offset);
    const bool stated = length != std::numeric_limits<std::uint64_t>::max();
    if (stated && length > there)
      fail(Code::invalid_model, "claims {} bytes at {} of '{}', where {} are left", length, offset, location, there);
    if ((stated && length != type.bytes()) || type.bytes() > there)
      fail(Code::invalid_model, "{} needs {} bytes, '{}' holds {}", type.text(), type.bytes(), location,
           stated ? length : there);
    Tensor tensor(std::move(type));
    external.read(location, offset, tensor.raw(), tensor.bytes());
    normalise_bools(tensor);
    return tensor;
  } catch (Error& error) {
    error.add_context(what);
    throw;
  }
}

template <typename Field>
void check_length(const Field& field, const TensorType& type, std::string_view what) {
  if (static_cast<std::int64_t>(field.size()) != type.shape.count())
    fail(Code::invalid_model, "{} claims {} with {} elements, its data has {}", what, type.text(), type.shape.count(),
         field.size());
}

/// Elements kept in a wider protobuf field; half types are kept as their bits.
template <typename T, typename Field>
Tensor narrow(const Field& field, const TensorType& type, std::string_view what) {
  check_length(field, type, what);
  Tensor tensor(type);
  auto* target = static_cast<T*>(tensor.raw());
  for (const auto value : field) {
    if (!std::in_range<T>(value))
      fail(Code::invalid_model, "{} holds {}, which is no {}", what, value, name(type.dtype));
    *target++ = static_cast<T>(value);
  }
  normalise_bools(tensor);
  return tensor;
}

template <typename T, typename Field>
Tensor copy(const Field& field, const TensorType& type, std::string_view what) {
  check_length(field, type, what);
  Tensor tensor(type);
  std::copy(field.begin(), field.end(), static_cast<T*>(tensor.raw()));
  return tensor;
}

Tensor read_fields(const onnx::TensorProto& proto, const TensorType& type, std::string_view what) {
  switch (type.dtype) {
    case DType::f32: return copy<float>(proto.float_data(), type, what);
    case DType::f64: return copy<double>(proto.double_data(), type, what);
    case DType::i64: return copy<std::int64_t>(proto.int64_data(), type, what);
    case DType::u64: return copy<std::uint64_t>(proto.uint64_data(), type, what);
    case DType::u32: return narrow<std::uint32_t>(proto.uint64_data(), type, what);
    case DType::i32: return copy<std::int32_t>(proto.int32_data(), type, what);
    case DType::i16: return narrow<std::int16_t>(proto.int32_data(), type, what);
    case DType::i8: return narrow<std::int8_t>(proto.int32_data(), type, what);
    case DType::u8:
    case DType::f8e4m3:  // as bits
    case DType::boolean: return narrow<std::uint8_t>(proto.int32_data(), type, what);
    default: return narrow<std::uint16_t>(proto.int32_data(), type, what);  // u16, and f16 and bf16 as bits
  }
}

}  // namespace

Tensor tensor_from_proto(const onnx::TensorProto& proto, const ExternalData& external, std::string_view what) {
  if (proto.has_segment()) fail(Code::unsupported, "{} is stored in segments", what);
  const DType dtype = require_dtype(proto.data_type(), what);
  TensorType type{dtype, shape_of(proto, what)};
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return read_external(proto, std::move(type), external, what);
  if (!proto.has_raw_data()) return read_fields(proto, type, what);
  if (proto.raw_data().size() != type.bytes())
    fail(Code::invalid_model, "{} claims {} of {} bytes, its data has {}", what, type.text(), type.bytes(),
         proto.raw_data().size());
  Tensor tensor(std::move(type));
  if (tensor.bytes() != 0) std::memcpy(tensor.raw(), proto.raw_data().data(), tensor.bytes());
  normalise_bools(tensor);
  return tensor;
}

Tensor tensor_from_proto_file(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  google::protobuf::SetLogHandler(nullptr);
  onnx::TensorProto proto;
  if (bytes.size() > std::size_t{std::numeric_limits<int>::max()} ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    fail(Code::invalid_model, "{}: not a serialized tensor, or damaged", path.string());
  return tensor_from_proto(proto, ExternalData(path.parent_path()), path.string());
}

void tensor_to_proto(const Tensor& tensor, std::string_view name, onnx::TensorProto& proto) {
  proto.set_name(std::string(name));
  proto.set_data_type(code_of(tensor.dtype()));
  for (const auto dim : tensor.shape()) proto.add_dims(dim);
  proto.set_raw_data(tensor.raw(), tensor.bytes());
}

std::string serialize_tensor(const Tensor& tensor, std::string_view name) {
  onnx::TensorProto proto;
  tensor_to_proto(tensor, name, proto);
  return proto.SerializeAsString();
}

}  // namespace halftone
