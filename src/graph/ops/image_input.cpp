#include "graph/image_input.h"

#include "graph/op.h"
#include "graph/ops/quantization.h"

namespace halftone {
namespace {

ImageInput read(const Attributes& attributes, std::span<const TensorType> in) {
  const auto require = [](bool condition, std::string_view what) {
    if (!condition) fail(Code::invalid_model, "ImageInput: {}", what);
  };
  const auto present = [&](std::size_t i) { return i < in.size() && in[i].known(); };
  require(present(0) && in[0].shape.rank() == 4, "x has four dimensions");
  ImageInput image;
  const auto layout = attributes.get_string("layout", "NCHW");
  require(layout == "NCHW" || layout == "NHWC", "layout is NCHW or NHWC");
  image.channels_last = layout == "NHWC";
  const auto& x = in[0].shape;
  image.n = x[0];
  image.c = x[image.channels_last ? 3 : 1];
  image.h = x[image.channels_last ? 1 : 2];
  image.w = x[image.channels_last ? 2 : 3];
  image.from = in[0].dtype;
  require(image.from == DType::f32 || image.from == DType::u8, "x is f32 or u8");
  const auto to = parse_dtype(attributes.get_string("to", "f32"));
  const bool plain = to == DType::f32 || to == DType::f16 || to == DType::bf16;
  require(to && (plain || is_quantised(*to)), "to is f32, f16, bf16, u8, i8 or f8e4m3");
  image.to = *to;
  for (const auto i : {ImageInput::kMultiply, ImageInput::kAdd})
    require(!present(i) || in[i] == TensorType{DType::f32, Shape{image.c}}, "multiply and add are f32 [C]");
  require(present(ImageInput::kScale) == !plain, "a scale comes with quantised output");
  require(plain || in[ImageInput::kScale] == TensorType{DType::f32, Shape{}}, "the scale is an f32 scalar");
  require(!present(ImageInput::kZero) || in[ImageInput::kZero] == TensorType{image.to, Shape{}},
          "the zero point is a scalar of the output's type");
  return image;
}

void infer(InferContext& context) {
  std::vector<TensorType> inputs;
  for (std::size_t i = 0; i < context.input_count(); ++i)
    inputs.push_back(context.has(i) ? context.input(i) : TensorType{});
  const ImageInput image = read(context.attributes, inputs);
  context.set_output(0, image.to, Shape{image.n, image.h, image.w, image.c});
}

void reference(const ReferenceContext& context) {
  std::vector<TensorType> types;
  for (const auto& tensor : context.inputs) types.push_back(tensor.defined() ? tensor.type() : TensorType{});
  const ImageInput image = read(context.attributes, types);
  const auto number = [&](std::size_t input, std::int64_t at, float otherwise) {
    return context.has(input) ? context.inputs[input].data<float>()[static_cast<std::size_t>(at)] : otherwise;
  };
  const float scale = number(ImageInput::kScale, 0, 1);
  const double zero = context.has(ImageInput::kZero) ? context.inputs[ImageInput::kZero].to_doubles()[0] : 0;
  const std::int64_t plane = image.h * image.w;
  const Tensor x = context.inputs[0].to(DType::f32);
  const auto in = x.data<float>();
  visit(image.to, [&](auto nothing) {
    using T = decltype(nothing);
    auto out = context.outputs[0].data<T>();
    for (std::int64_t n = 0; n < image.n; ++n)
      for (std::int64_t pixel = 0; pixel < plane; ++pixel)
        for (std::int64_t c = 0; c < image.c; ++c) {
          const auto at = static_cast<std::size_t>((n * plane + pixel) * image.c + c);
          const auto from = image.channels_last ? at : static_cast<std::size_t>((n * image.c + c) * plane + pixel);
          const float value = std::fma(in[from], number(ImageInput::kMultiply, c, 1), number(ImageInput::kAdd, c, 0));
          if (is_8bit(image.to)) out[at] = static_cast<T>(ops::quantize(value, scale, zero, ops::range_of(image.to)));
          else out[at] = static_cast<T>(image.to == DType::f8e4m3 ? value / scale : value);
        }
  });
}

}  // namespace

ImageInput image_input_of(const Problem& problem) {
  std::vector<TensorType> types;
  for (const auto& operand : problem.inputs) types.push_back(operand.type);
  return read(problem.attributes, types);
}

extern const Op op_ImageInput;
const Op op_ImageInput{
    .name = "ImageInput",
    .min_inputs = 1,
    .max_inputs = 5,
    .infer = infer,
    .reference = reference,
    .flops = [](const Problem& problem) { return 3 * static_cast<double>(problem.output().shape.count()); },
    .internal = true};

}  // namespace halftone
