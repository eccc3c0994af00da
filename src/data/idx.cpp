#include "data/idx.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "data/claim.h"

namespace halftone {
namespace {

constexpr std::size_t kLargestIdxRank = 8;

DType type_of(unsigned char code) {
  switch (code) {
    case 0x08: return DType::u8;
    case 0x09: return DType::i8;
    case 0x0b: return DType::i16;
    case 0x0c: return DType::i32;
    case 0x0d: return DType::f32;
    case 0x0e: return DType::f64;
    default: return DType::none;
  }
}

}  // namespace

bool is_idx(std::string_view bytes) {
  return bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 &&
         type_of(static_cast<unsigned char>(bytes[2])) != DType::none;
}

Tensor parse_idx(std::string_view bytes, std::string_view name) {
  if (!is_idx(bytes)) fail(Code::invalid_model, "{}: not an IDX file", name);
  const DType dtype = type_of(static_cast<unsigned char>(bytes[2]));
  const auto rank = static_cast<std::size_t>(static_cast<unsigned char>(bytes[3]));
  const std::size_t header = 4 + 4 * rank;
  if (rank > kLargestIdxRank) fail(Code::invalid_model, "{}: damaged IDX: rank {}", name, rank);
  if (bytes.size() < header) fail(Code::invalid_model, "{}: damaged IDX: the file ends within the header", name);
  Shape shape;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::uint32_t extent = 0;
    for (std::size_t i = 0; i < 4; ++i) extent = extent << 8 | static_cast<unsigned char>(bytes[4 + axis * 4 + i]);
    shape.push_back(extent);
  }
  const TensorType type{dtype, shape};
  const std::size_t size = size_of(dtype);
  if (claimed_bytes(type, name) != bytes.size() - header)
    fail(Code::invalid_model, "{}: damaged IDX: {} takes {} bytes, {} are there", name, type.text(), type.bytes(),
         bytes.size() - header);
  Tensor tensor(type);
  auto* target = static_cast<char*>(tensor.raw());
  if (type.bytes() != 0) std::memcpy(target, bytes.data() + header, type.bytes());
  for (std::size_t i = 0; size > 1 && i < type.bytes(); i += size) std::reverse(target + i, target + i + size);
  return tensor;
}

}  // namespace halftone
