#include "onnx/import.h"
#include "onnx/tensor.h"

namespace halftone {
namespace {

/// Files of old IR versions leave the type out; what is filled tells it.
onnx::AttributeProto::AttributeType kind_of(const onnx::AttributeProto& proto) {
  using Proto = onnx::AttributeProto;
  if (proto.type() != Proto::UNDEFINED) return proto.type();
  if (proto.has_f()) return Proto::FLOAT;
  if (proto.has_i()) return Proto::INT;
  if (proto.has_s()) return Proto::STRING;
  if (proto.has_t()) return Proto::TENSOR;
  if (proto.has_g()) return Proto::GRAPH;
  if (proto.floats_size() != 0) return Proto::FLOATS;
  if (proto.ints_size() != 0) return Proto::INTS;
  if (proto.strings_size() != 0) return Proto::STRINGS;
  return Proto::UNDEFINED;
}

}  // namespace

Attribute read_attribute(const onnx::AttributeProto& proto, const ExternalData& external, const std::string& what) {
  using Proto = onnx::AttributeProto;
  if (proto.name().empty()) fail(Code::invalid_model, "{} has an attribute without a name", what);
  switch (kind_of(proto)) {
    case Proto::FLOAT: return static_cast<double>(proto.f());
    case Proto::INT: return static_cast<std::int64_t>(proto.i());
    case Proto::STRING: return proto.s();
    case Proto::TENSOR:
      return tensor_from_proto(proto.t(), external, fmt::format("{}, attribute '{}'", what, proto.name()));
    case Proto::FLOATS: return std::vector<double>(proto.floats().begin(), proto.floats().end());
    case Proto::INTS: return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
    case Proto::GRAPH:
    case Proto::GRAPHS:
      fail(Code::unsupported, "{}: graphs inside nodes (attribute '{}') are not supported", what, proto.name());
    case Proto::UNDEFINED: fail(Code::invalid_model, "{}: attribute '{}' has no value", what, proto.name());
    default:
      fail(Code::unsupported, "{}: attribute '{}' is of the unsupported kind {}", what, proto.name(),
           static_cast<int>(proto.type()));
  }
}

}  // namespace halftone
