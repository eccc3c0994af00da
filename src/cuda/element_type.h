#pragma once
#include <cstddef>

/// The element types device kernels are compiled for, and how to pick one at run time.
namespace halftone::cuda {

enum class Element { kFloat32, kFloat16, kBfloat16, kInt8, kUint8, kFloat8 };

constexpr size_t element_bytes(Element type) {
  switch (type) {
    case Element::kFloat32: return 4;
    case Element::kFloat16:
    case Element::kBfloat16: return 2;
    default: return 1;
  }
}

}  // namespace halftone::cuda
