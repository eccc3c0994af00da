#include "onnx/proto.h"

#include <array>

#include "base/error.h"

namespace halftone {
namespace {

struct Row {
  std::string_view name;
  DType dtype;
};

// The codes of onnx.proto's TensorProto.DataType, up to ONNX 1.19; `none` marks what the core lacks.
constexpr std::array<Row, 27> kRows{{
    {"undefined", DType::none},
    {"float", DType::f32},
    {"uint8", DType::u8},
    {"int8", DType::i8},
    {"uint16", DType::u16},
    {"int16", DType::i16},
    {"int32", DType::i32},
    {"int64", DType::i64},
    {"string", DType::none},
    {"bool", DType::boolean},
    {"float16", DType::f16},
    {"double", DType::f64},
    {"uint32", DType::u32},
    {"uint64", DType::u64},
    {"complex64", DType::none},
    {"complex128", DType::none},
    {"bfloat16", DType::bf16},
    {"float8e4m3fn", DType::f8e4m3},
    {"float8e4m3fnuz", DType::none},
    {"float8e5m2", DType::none},
    {"float8e5m2fnuz", DType::none},
    {"uint4", DType::none},
    {"int4", DType::none},
    {"float4e2m1", DType::none},
    {"float8e8m0", DType::none},
    {"uint2", DType::none},
    {"int2", DType::none},
}};

bool listed(int code) { return code >= 0 && static_cast<std::size_t>(code) < kRows.size(); }

}  // namespace

std::optional<DType> dtype_of_code(int code) {
  if (!listed(code) || kRows[static_cast<std::size_t>(code)].dtype == DType::none) return std::nullopt;
  return kRows[static_cast<std::size_t>(code)].dtype;
}

int code_of(DType dtype) {
  for (std::size_t code = 1; code < kRows.size(); ++code)
    if (kRows[code].dtype == dtype) return static_cast<int>(code);
  return 0;
}

std::string name_of_code(int code) {
  return listed(code) ? std::string(kRows[static_cast<std::size_t>(code)].name) : fmt::format("number {}", code);
}

DType require_dtype(int code, std::string_view what) {
  const auto dtype = dtype_of_code(code);
  if (!dtype)
    fail(code == 0 ? Code::invalid_model : Code::unsupported, "{} has elements of the unsupported type {}", what,
         name_of_code(code));
  return *dtype;
}

}  // namespace halftone
