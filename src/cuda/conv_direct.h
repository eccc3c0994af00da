#pragma once
#include "cuda/conv_params.h"
#include "cuda/element_type.h"

/// Convolution by plain loops, for what nothing faster takes: any types, groups and activation.
namespace halftone::cuda {

/// The activation's number is halftone::Activation's; it is applied in real units, before the step to the output's.
struct DirectParams {
  ConvParams conv;  ///< low and high are the output type's; scale and bias give real units
  Element in = Element::kFloat32;
  Element weights = Element::kFloat32;
  Element out = Element::kFloat32;
  Element residual = Element::kFloat32;
  int groups = 1;
  int activation = 0;
  float alpha = 0;
  float beta = 0;
  float input_zero = 0;
  float residual_zero = 0;
  float output_scale = 1;  ///< 8-bit results are divided by it
};

cudaError_t conv_direct(const DirectParams& p, cudaStream_t stream);

}  // namespace halftone::cuda
