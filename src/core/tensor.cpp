#include "core/tensor.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace halftone {
namespace {

constexpr std::int64_t kLargestCount = std::int64_t{1} << 48;

class HostBuffer final : public Buffer {
 public:
  HostBuffer(void* data, std::size_t bytes) : Buffer(data, bytes, true) {}
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;
  ~HostBuffer() override { std::free(data_); }
};

template <typename To, typename From>
To convert(From value) {
  constexpr bool from_small =
      std::is_same_v<From, Half> || std::is_same_v<From, BFloat16> || std::is_same_v<From, Float8>;
  constexpr bool to_small = std::is_same_v<To, Half> || std::is_same_v<To, BFloat16> || std::is_same_v<To, Float8>;
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (from_small) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (to_small) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Out of range is undefined in C++; go through int64 so that it wraps as NumPy does on x86.
    if constexpr (std::is_same_v<To, std::uint64_t>)
      if (value >= From{0x1p63} && value < From{0x1p64}) return static_cast<To>(value);
    if (!(value >= From{-0x1p63} && value < From{0x1p63}))
      return static_cast<To>(std::numeric_limits<std::int64_t>::min());
    return static_cast<To>(static_cast<std::int64_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

std::int64_t Shape::count() const {
  std::int64_t product = 1;
  bool zero = false;
  for (const auto dim : dims_) {
    if (dim < 0) fail(Code::invalid_model, "negative extent in shape {}", text());
    if (dim == 0) zero = true;
    else if (product > kLargestCount / dim) fail(Code::resource_exhausted, "shape {} has too many elements", text());
    else product *= dim;
  }
  return zero ? 0 : product;
}

std::string Shape::text() const {
  if (dims_.empty()) return "scalar";
  return fmt::format("{}", fmt::join(dims_, "x"));
}

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.rank(), 1);
  for (std::size_t axis = shape.rank(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

Shape broadcast(const Shape& a, const Shape& b) {
  const std::size_t rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t x = i < rank - a.rank() ? 1 : a[i - (rank - a.rank())];
    const std::int64_t y = i < rank - b.rank() ? 1 : b[i - (rank - b.rank())];
    if (x != y && x != 1 && y != 1) fail(Code::invalid_model, "shapes {} and {} do not broadcast", a.text(), b.text());
    dims[i] = x == 1 ? y : x;
  }
  return Shape(std::move(dims));
}

std::size_t normalize_axis(std::int64_t axis, std::size_t rank) {
  const auto limit = static_cast<std::int64_t>(rank);
  if (axis < -limit || axis >= limit) fail(Code::invalid_model, "axis {} is out of range for rank {}", axis, rank);
  return static_cast<std::size_t>(axis < 0 ? axis + limit : axis);
}

std::string TensorType::text() const { return fmt::format("{}:{}", name(dtype), fmt::join(shape.dims(), "x")); }

std::shared_ptr<Buffer> allocate_host(std::size_t bytes) {
  const std::size_t rounded = (bytes + 63) / 64 * 64 + 64;
  void* data = std::aligned_alloc(64, rounded);
  if (data == nullptr) fail(Code::resource_exhausted, "cannot allocate {} bytes of memory", bytes);
  return std::make_shared<HostBuffer>(data, bytes);
}

Tensor::Tensor(TensorType type) : type_(std::move(type)), buffer_(allocate_host(type_.bytes())) {}

Tensor::Tensor(TensorType type, std::shared_ptr<Buffer> buffer, std::size_t offset)
    : type_(std::move(type)), buffer_(std::move(buffer)), offset_(offset) {
  ASSERT(buffer_ && offset_ + type_.bytes() <= buffer_->bytes());
}

Tensor Tensor::reshaped(Shape shape) const {
  ASSERT(shape.count() == count());
  return {TensorType{type_.dtype, std::move(shape)}, buffer_, offset_};
}

Tensor Tensor::clone() const {
  Tensor copy(type_);
  if (bytes() != 0) std::memcpy(copy.raw(), raw(), bytes());
  return copy;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == type_.dtype) return clone();
  Tensor result(dtype, type_.shape);
  visit(type_.dtype, [&](auto from_zero) {
    using From = decltype(from_zero);
    visit(dtype, [&](auto to_zero) {
      using To = decltype(to_zero);
      const auto source = data<From>();
      const auto target = result.data<To>();
      for (std::size_t i = 0; i < source.size(); ++i) target[i] = convert<To>(source[i]);
    });
  });
  return result;
}

std::vector<double> Tensor::to_doubles() const {
  std::vector<double> values(static_cast<std::size_t>(count()));
  visit(type_.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto source = data<T>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert<double>(source[i]);
  });
  return values;
}

std::vector<std::int64_t> Tensor::to_ints() const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count()));
  visit(type_.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto source = data<T>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert<std::int64_t>(source[i]);
  });
  return values;
}

}  // namespace halftone
