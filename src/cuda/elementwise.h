#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/element_type.h"

/// One value at a time: arithmetic with broadcasting, activations, quantisation.
namespace halftone::cuda {

enum class Elementwise {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kMaximum,
  kMinimum,   // of two
  kActivate,  // halftone::Activation number `which`
  kExp,
  kLog,
  kSqrt,
  kAbs,
  kNegate,
  kReciprocal,
  kErf,
  kGelu,
  kMish,
  kSoftplus,
  kConvert,     // floats to floats, or bytes to floats
  kQuantize,    // round(a / b) + c, saturated
  kDequantize,  // (a - c) * b
};

constexpr int kMostAxes = 6;

/// out[i] = f(a[..], b[..]) over the output's `extents` (innermost last, ones in front); an operand's strides are in
/// elements, zero along axes it repeats. For quantisation b is the scale and c the zero point (null: 0) with b's
/// strides.
struct ElementwiseParams {
  Elementwise what = Elementwise::kAdd;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* c = nullptr;
  void* output = nullptr;
  Element a_type = Element::kFloat32;
  Element b_type = Element::kFloat32;
  Element c_type = Element::kFloat32;
  Element out_type = Element::kFloat32;
  int64_t count = 0;
  int axes = 0;  ///< 0: no broadcasting, all operands have `count` values
  int64_t extents[kMostAxes] = {};
  int64_t a_strides[kMostAxes] = {};
  int64_t b_strides[kMostAxes] = {};
  int which = 0;
  float alpha = 0;
  float beta = 0;
};

cudaError_t elementwise(const ElementwiseParams& p, cudaStream_t stream);

/// Softmax over rows of `width` values: out = exp(x - max) / sum, or its logarithm.
cudaError_t softmax(const void* input, void* output, Element type, int64_t rows, int64_t width, bool logarithm,
                    cudaStream_t stream);

}  // namespace halftone::cuda
