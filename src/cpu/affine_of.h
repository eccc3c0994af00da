#pragma once
#include "backend/kernel.h"
#include "cpu/affine.h"
#include "graph/fused_conv.h"

namespace halftone::cpu {

/// f32, bf16, u8, i8; `none` for the rest.
Element element_of(DType dtype);

/// What keeps a FusedConv's epilogue from being an Affine, or its constants from being known.
Support is_affine(const Problem& problem, const FusedConv& conv);

/// An Affine with the memory it points at.
struct OwnedAffine {
  Tensor scale, bias;
  float r_scale = 1, low = 0, high = 0;
  Affine view() const;
};

/// `shift[o]`, where given, is what the sum of channel o is too large by.
OwnedAffine affine_of(const FusedConv& conv, std::span<const Tensor> constants, std::span<const float> shift);

/// Output and residual of one call.
Destination destination(const FusedConv& conv, const OwnedAffine& affine, const RunArgs& args);

}  // namespace halftone::cpu
