#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/dtype.h"

namespace halftone {

/// Extents, outermost first. All extents are known and >= 0; a scalar has rank 0.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}
  std::size_t rank() const { return dims_.size(); }
  std::int64_t operator[](std::size_t axis) const { return dims_[axis]; }
  std::int64_t& operator[](std::size_t axis) { return dims_[axis]; }
  /// The product of the extents. Throws resource_exhausted when it does not fit 2^48 or an extent is negative.
  std::int64_t count() const;
  const std::vector<std::int64_t>& dims() const { return dims_; }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }
  void push_back(std::int64_t dim) { dims_.push_back(dim); }
  bool operator==(const Shape&) const = default;
  /// "1x3x224x224"; "scalar" for rank 0.
  std::string text() const;

 private:
  std::vector<std::int64_t> dims_;
};

/// Row-major strides in elements.
std::vector<std::int64_t> strides_of(const Shape& shape);

/// The shape two operands broadcast to (NumPy's rule). Throws invalid_model when they do not.
Shape broadcast(const Shape& a, const Shape& b);

/// Turns a possibly negative axis into 0 … rank-1. Throws invalid_model when it is out of range.
std::size_t normalize_axis(std::int64_t axis, std::size_t rank);

struct TensorType {
  DType dtype = DType::none;
  Shape shape;
  bool known() const { return dtype != DType::none; }
  std::size_t bytes() const { return static_cast<std::size_t>(shape.count()) * size_of(dtype); }
  bool operator==(const TensorType&) const = default;
  /// "f32:1x3x224x224"; a scalar is "f32:".
  std::string text() const;
};

/// Memory some backend made. Freed when the last Tensor that shares it goes.
class Buffer {
 public:
  virtual ~Buffer() = default;
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool on_host() const { return on_host_; }

 protected:
  Buffer(void* data, std::size_t bytes, bool on_host) : data_(data), bytes_(bytes), on_host_(on_host) {}
  void* data_;
  std::size_t bytes_;
  bool on_host_;
};

/// 64-byte aligned host memory, uninitialised. Throws resource_exhausted, saying how much was asked for.
std::shared_ptr<Buffer> allocate_host(std::size_t bytes);

/// A typed view of a shared buffer, contiguous row-major. Copying shares the elements; clone() copies them.
class Tensor {
 public:
  Tensor() = default;  ///< an absent tensor: defined() is false
  /// Uninitialised host memory.
  explicit Tensor(TensorType type);
  Tensor(DType dtype, Shape shape) : Tensor(TensorType{dtype, std::move(shape)}) {}
  Tensor(TensorType type, std::shared_ptr<Buffer> buffer, std::size_t offset = 0);

  /// From values in row-major order; their number must match the shape.
  template <typename T>
  static Tensor from(Shape shape, std::span<const T> values);
  template <typename T>
  static Tensor from(Shape shape, std::initializer_list<T> values) {
    return from(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return from(Shape{}, std::span<const T>(&value, 1));
  }

  bool defined() const { return buffer_ != nullptr; }
  const TensorType& type() const { return type_; }
  DType dtype() const { return type_.dtype; }
  const Shape& shape() const { return type_.shape; }
  std::int64_t count() const { return type_.shape.count(); }
  std::size_t bytes() const { return type_.bytes(); }
  void* raw() const { return static_cast<std::byte*>(buffer_->data()) + offset_; }
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }

  /// The elements as T, which must be the stored type (or a type of its size for Half, BFloat16).
  template <typename T>
  std::span<T> data() {
    ASSERT(dtype_of<T> == type_.dtype);
    return {static_cast<T*>(raw()), static_cast<std::size_t>(count())};
  }
  template <typename T>
  std::span<const T> data() const {
    ASSERT(dtype_of<T> == type_.dtype);
    return {static_cast<const T*>(raw()), static_cast<std::size_t>(count())};
  }

  /// The same elements under another shape of the same count.
  Tensor reshaped(Shape shape) const;
  Tensor clone() const;
  /// A copy converted to `dtype`: float to integer truncates, to bool tests for non-zero.
  Tensor to(DType dtype) const;
  /// Elements as double / int64, whatever the stored type; for attributes, scales and tests, not for hot paths.
  std::vector<double> to_doubles() const;
  std::vector<std::int64_t> to_ints() const;

 private:
  TensorType type_;
  std::shared_ptr<Buffer> buffer_;
  std::size_t offset_ = 0;
};

template <typename T>
Tensor Tensor::from(Shape shape, std::span<const T> values) {
  Tensor tensor(dtype_of<T>, std::move(shape));
  ASSERT(static_cast<std::size_t>(tensor.count()) == values.size());
  std::copy(values.begin(), values.end(), tensor.data<T>().begin());
  return tensor;
}

}  // namespace halftone
