#pragma once
#include "cpu/onednn.h"
#include "graph/fused_conv.h"

/// How a FusedConv's epilogue is said in oneDNN 2.6's terms: output = post_ops(scale * (sum + bias)).
namespace halftone::cpu::onednn {

/// The constants' values, or stand-ins while only support is asked (scales that are not 1, zero points 0).
struct ConvConstants {
  std::vector<float> bias, w_scale;
  std::vector<float> w_sum;  ///< of each filter's 8-bit weights, where x has a zero point
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

/// Whether the primitive is a convolution (which has zero points) or a matrix product (which adds them otherwise).
enum class ProductKind { convolution, matrix };

/// Attributes with scales, zero points, sum or binary addition, activation and rescaling. The output channel is axis 1
/// in all of oneDNN's forms used here. `residual` describes the residual as the destination is described.
ConvEpilogue epilogue(const FusedConv& conv, const ConvConstants& constants, const dnnl::memory::desc& residual,
                      ProductKind kind);

/// The 8-bit implementations for older instruction sets saturate their products; this leaves only exact ones.
bool exact_int8(std::string_view implementation);

/// Implementations for older instruction sets left out where a newer one is there.
std::vector<std::string> newest(std::vector<std::string> names);

/// What keeps every oneDNN form of this convolution from running here, before oneDNN itself is asked.
Support refuses(const Problem& problem, const FusedConv& conv, const Backend& backend);

/// Appends bias, residual and destination to a primitive's arguments and, before it, the copy of the residual.
void bind_epilogue(Program& program, const PrepareContext& context, const FusedConv& conv, const ConvEpilogue& epilogue,
                   const dnnl::memory::desc& destination, const dnnl::memory::desc& residual,
                   const dnnl::memory::desc& bias, std::vector<Argument>& arguments);

}  // namespace halftone::cpu::onednn
