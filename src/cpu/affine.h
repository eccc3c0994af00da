#pragma once

// Plain data shared with files compiled for newer CPUs: no inline functions here.
namespace halftone::cpu {

enum class Element { none, f32, bf16, u8, i8 };

/// What follows a convolution's sum, in units of the output: y = clamp(sum * scale[o] + bias[o] + r_scale * residual),
/// then, for integers, rounded to even. Zero points are within bias, low and high.
struct Affine {
  const float* scale;  ///< a channel each, padded to a multiple of 16
  const float* bias;   ///< likewise
  float r_scale, low, high;
};

/// Where sums go: y and the residual are rows of `channels` elements.
struct Destination {
  Affine affine;
  Element residual_type, y_type;
  const void* residual;
  void* y;
  int channels;
};

}  // namespace halftone::cpu
