#pragma once
#include "cpu/onednn.h"
#include "graph/fused_conv.h"

/// How a FusedConv's epilogue is said in oneDNN 2.6's terms: output = post_ops(scale * (sum + bias)).
namespace halftone::cpu::onednn {

/// The constants' values, or stand-ins while only support is asked (scales that are not 1, zero points 0).
struct ConvConstants {
  std::vector<float> bias, w_scale;
  Quantisation q;
};

ConvConstants stand_ins(const FusedConv& conv);
ConvConstants read_constants(const FusedConv& conv, std::span<const Tensor> constants);

struct ConvEpilogue {
  dnnl::primitive_attr attributes;
  std::vector<float> bias;          ///< in the sum's units; empty where there is none
  bool residual_in_output = false;  ///< the sum post-op reads the residual from the output buffer
  bool residual_apart = false;      ///< a binary post-op reads it (argument DNNL_ARG_ATTR_MULTIPLE_POST_OP(0))
};

/// Attributes with scales, zero points, sum or binary addition, activation and rescaling. `rows` and `residual`
/// describe the destination: the per-channel mask's axis is 1 in all of oneDNN's forms used here.
/// `apart` asks for the residual by a binary post-op where both ways exist.
ConvEpilogue epilogue(const FusedConv& conv, const ConvConstants& constants, const dnnl::memory::desc& residual,
                      bool apart);

/// What keeps every oneDNN form of this convolution from running here, before oneDNN itself is asked.
Support refuses(const Problem& problem, const FusedConv& conv, const Backend& backend);

/// Appends bias, residual and destination to a primitive's arguments and, before it, the copy of the residual.
void bind_epilogue(Program& program, const PrepareContext& context, const FusedConv& conv, const ConvEpilogue& epilogue,
                   const dnnl::memory::desc& destination, const dnnl::memory::desc& residual,
                   std::vector<Argument>& arguments);

}  // namespace halftone::cpu::onednn
