#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "core/tensor.h"

namespace onnx {
class TensorProto;
}

namespace halftone {

class ExternalData;

/// A file that holds one serialized TensorProto, as ONNX's test data does. Throws not_found, io, invalid_model or
/// unsupported, naming the path.
Tensor tensor_from_proto_file(const std::filesystem::path& path);

/// The bytes of such a file.
std::string serialize_tensor(const Tensor& tensor, std::string_view name);

/// The elements of a TensorProto. Nothing is allocated before the bytes it claims are known to be there. `what` names
/// the tensor in errors.
Tensor tensor_from_proto(const onnx::TensorProto& proto, const ExternalData& external, std::string_view what);

/// Fills a TensorProto with a host tensor's elements as raw data.
void tensor_to_proto(const Tensor& tensor, std::string_view name, onnx::TensorProto& proto);

}  // namespace halftone
