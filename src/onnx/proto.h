#pragma once
// ONNX's protobuf classes; for the files of this folder only, so that no other layer sees protobuf.
#ifndef ONNX_ML
#define ONNX_ML
#endif
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <optional>
#include <string>

#include "core/dtype.h"

namespace halftone {

inline constexpr int kLargestRank = 16;  ///< of tensors read

/// The core's element type for an ONNX data type code; nothing for those the core does not have.
std::optional<DType> dtype_of_code(int code);

/// ONNX's code for an element type.
int code_of(DType dtype);

/// "float8e4m3fn", "string" …: ONNX's name of a code, for messages.
std::string name_of_code(int code);

/// dtype_of_code, or Error{unsupported} that begins with `what`.
DType require_dtype(int code, std::string_view what);

}  // namespace halftone
