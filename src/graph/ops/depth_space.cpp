#include "graph/ops/helpers.h"

// DepthToSpace and SpaceToDepth: blocks of pixels to channels and back. Each is a reshape to six axes, a transposition
// and a reshape; the axes are described for NCHW pictures.
namespace halftone {
namespace {

std::int64_t block_of(const InferContext& context) {
  const Shape& in = context.shape(0);
  if (in.rank() != 4) fail(Code::invalid_model, "{} is not a batch of pictures", in.text());
  const auto block = context.attributes.get_int("blocksize", 0);
  if (block < 1 || block > (1 << 20)) fail(Code::invalid_model, "blocksize is {}", block);
  return block;
}

bool column_row_depth(const Attributes& attributes) {
  const auto mode = attributes.get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") fail(Code::invalid_model, "mode is DCR or CRD, not '{}'", mode);
  return mode == "CRD";
}

void infer_to_space(InferContext& context) {
  const Shape& in = context.shape(0);
  const auto block = block_of(context);
  (void)column_row_depth(context.attributes);
  if (in[1] % (block * block) != 0)
    fail(Code::invalid_model, "{} channels are not a multiple of {} x {}", in[1], block, block);
  context.set_output(
      0, context.input(0).dtype,
      Shape{in[0], in[1] / (block * block), ops::checked_multiply(in[2], block), ops::checked_multiply(in[3], block)});
}

void infer_to_depth(InferContext& context) {
  const Shape& in = context.shape(0);
  const auto block = block_of(context);
  if (in[2] % block != 0 || in[3] % block != 0)
    fail(Code::invalid_model, "{} does not divide into blocks of {}", in.text(), block);
  context.set_output(0, context.input(0).dtype,
                     Shape{in[0], ops::checked_multiply(in[1], block * block), in[2] / block, in[3] / block});
}

/// The output seen as `shape`, its elements read from the input by `strides`.
void copy_as(const ReferenceContext& context, Shape shape, std::vector<std::int64_t> strides) {
  Tensor view = context.outputs[0].reshaped(std::move(shape));
  ops::copy_strided(context.inputs[0], view, std::move(strides));
}

void reference_to_space(const ReferenceContext& context) {
  const Shape& in = context.inputs[0].shape();
  const Shape& out = context.outputs[0].shape();
  const auto block = context.attributes.get_int("blocksize", 0);
  const auto s = strides_of(in);
  // Channel = (row in block, column in block, c) for DCR and (c, row, column) for CRD.
  const bool crd = column_row_depth(context.attributes);
  const std::int64_t channel = crd ? s[1] * block * block : s[1];
  const std::int64_t column = crd ? s[1] : s[1] * out[1];
  copy_as(context, Shape{in[0], out[1], in[2], block, in[3], block},
          {s[0], channel, s[2], column * block, s[3], column});
}

void reference_to_depth(const ReferenceContext& context) {
  const Shape& in = context.inputs[0].shape();
  const Shape& out = context.outputs[0].shape();
  const auto block = context.attributes.get_int("blocksize", 0);
  const auto s = strides_of(in);
  copy_as(context, Shape{in[0], block, block, in[1], out[2], out[3]},
          {s[0], s[2], s[3], s[1], s[2] * block, s[3] * block});
}

}  // namespace

extern const Op op_DepthToSpace;
const Op op_DepthToSpace{
    .name = "DepthToSpace", .infer = infer_to_space, .reference = reference_to_space, .flops = ops::no_flops};

extern const Op op_SpaceToDepth;
const Op op_SpaceToDepth{
    .name = "SpaceToDepth", .infer = infer_to_depth, .reference = reference_to_depth, .flops = ops::no_flops};

}  // namespace halftone
