#include "graph/ops/helpers.h"

#include <cstring>

namespace halftone::ops {

void require_dtype(const InferContext& context, std::size_t index, DTypeSet allowed) {
  const DType dtype = context.input(index).dtype;
  if (!allowed.contains(dtype)) fail(Code::invalid_model, "input {} cannot be of type {}", index, name(dtype));
}

void require_same_dtype(const InferContext& context, std::size_t a, std::size_t b) {
  const DType first = context.input(a).dtype;
  const DType second = context.input(b).dtype;
  if (first != second)
    fail(Code::invalid_model, "inputs {} and {} are of types {} and {}", a, b, name(first), name(second));
}

std::vector<std::int64_t> required_ints(const Attributes& attributes, std::string_view name) {
  if (!attributes.has(name)) fail(Code::invalid_model, "'{}' is missing", name);
  return attributes.get_ints(name);
}

DType dtype_attribute(const Attributes& attributes, std::string_view name, DType otherwise) {
  const Attribute* value = attributes.find(name);
  if (!value) return otherwise;
  if (const auto* word = std::get_if<std::string>(value)) {
    const auto dtype = parse_dtype(*word);
    if (!dtype) fail(Code::invalid_model, "attribute '{}': '{}' is no element type", name, *word);
    return *dtype;
  }
  // TensorProto.DataType of onnx.proto.
  constexpr std::array kTypes{DType::none, DType::f32, DType::u8,   DType::i8,      DType::u16,  DType::i16,
                              DType::i32,  DType::i64, DType::none, DType::boolean, DType::f16,  DType::f64,
                              DType::u32,  DType::u64, DType::none, DType::none,    DType::bf16, DType::f8e4m3};
  const auto number = attributes.get_int(name, 0);
  if (number == 0) return otherwise;
  const bool listed = number > 0 && number < static_cast<std::int64_t>(kTypes.size());
  const DType dtype = listed ? kTypes[static_cast<std::size_t>(number)] : DType::none;
  if (dtype == DType::none)
    fail(Code::unsupported, "attribute '{}': ONNX element type {} is not supported", name, number);
  return dtype;
}

std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) fail(Code::resource_exhausted, "extent {} x {} is too large", a, b);
  return result;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) fail(Code::resource_exhausted, "extent {} + {} is too large", a, b);
  return result;
}

void infer_same(InferContext& context) { context.set_output(0, context.input(0).dtype, context.shape(0)); }

double no_flops(const Problem&) { return 0; }

std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to) {
  ASSERT(from.rank() <= to.rank());
  const auto own = strides_of(from);
  const std::size_t missing = to.rank() - from.rank();
  std::vector<std::int64_t> strides(to.rank(), 0);
  for (std::size_t axis = 0; axis < from.rank(); ++axis)
    if (from[axis] != 1) strides[missing + axis] = own[axis];
  return strides;
}

Walk::Walk(Shape shape, std::vector<std::vector<std::int64_t>> strides)
    : shape_(std::move(shape)), strides_(std::move(strides)), index_(shape_.rank(), 0), offsets_(strides_.size(), 0) {}

void Walk::next() {
  for (std::size_t axis = shape_.rank(); axis-- > 0;) {
    for (std::size_t i = 0; i < offsets_.size(); ++i) offsets_[i] += strides_[i][axis];
    if (++index_[axis] < shape_[axis]) return;
    for (std::size_t i = 0; i < offsets_.size(); ++i) offsets_[i] -= strides_[i][axis] * shape_[axis];
    index_[axis] = 0;
  }
}

void copy_strided(const Tensor& from, Tensor& to, std::vector<std::int64_t> strides, std::int64_t begin) {
  const auto size = static_cast<std::int64_t>(size_of(from.dtype()));
  for (auto& stride : strides) stride *= size;
  const auto* source = static_cast<const std::byte*>(from.raw()) + begin * size;
  auto* target = static_cast<std::byte*>(to.raw());
  const std::int64_t count = to.count();
  Walk walk(to.shape(), {std::move(strides)});
  for (std::int64_t i = 0; i < count; ++i, walk.next(), target += size)
    std::memcpy(target, source + static_cast<std::ptrdiff_t>(walk.offset(0)), static_cast<std::size_t>(size));
}

AxisView around(const Shape& shape, std::size_t axis) {
  AxisView view;
  for (std::size_t i = 0; i < axis; ++i) view.outer *= shape[i];
  view.extent = shape[axis];
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) view.inner *= shape[i];
  return view;
}

}  // namespace halftone::ops
