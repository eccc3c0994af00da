#include <algorithm>
#include <cstring>

#include "graph/ops/helpers.h"

// Operators whose output follows from attributes alone.
namespace halftone {
namespace {

/// The tensor a Constant node holds, in whichever attribute it does.
Tensor held(const Attributes& attributes) {
  if (attributes.entries().size() != 1)
    fail(Code::invalid_model, "one value attribute is needed, not {}", attributes.entries().size());
  const auto& [key, value] = attributes.entries().front();
  if (key == "value" && std::holds_alternative<Tensor>(value)) return std::get<Tensor>(value);
  if (key == "value_float") return Tensor::scalar(static_cast<float>(attributes.get_float(key, 0)));
  if (key == "value_int") return Tensor::scalar(attributes.get_int(key, 0));
  if (key == "value_floats") {
    const auto list = attributes.get_floats(key);
    const std::vector<float> floats(list.begin(), list.end());
    return Tensor::from(Shape{static_cast<std::int64_t>(floats.size())}, std::span<const float>(floats));
  }
  if (key == "value_ints") {
    const auto list = attributes.get_ints(key);
    return Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list));
  }
  fail(Code::unsupported, "a constant given as '{}'", key);
}

void copy(const Tensor& from, Tensor& to) {
  if (from.bytes() != 0) std::memcpy(to.raw(), from.raw(), from.bytes());
}

constexpr StructuralInput kShape[] = {{0, "shape"}};

/// The one element a ConstantOfShape repeats: 0.0f unless `value` says otherwise.
Tensor repeated(const Attributes& attributes) {
  if (!attributes.has("value")) return Tensor::from(Shape{1}, {0.0f});
  const Tensor value = attributes.get_tensor("value");
  if (value.count() != 1) fail(Code::invalid_model, "value has {} elements, not one", value.count());
  return value;
}

void infer_of_shape(InferContext& context) {
  context.set_output(0, repeated(context.attributes).dtype(), Shape(ops::required_ints(context.attributes, "shape")));
}

void reference_of_shape(const ReferenceContext& context) {
  Tensor& y = context.outputs[0];
  ops::copy_strided(repeated(context.attributes), y, std::vector<std::int64_t>(y.shape().rank(), 0));
}

}  // namespace

extern const Op op_Constant;
const Op op_Constant{
    .name = "Constant",
    .min_inputs = 0,
    .max_inputs = 0,
    .infer =
        [](InferContext& context) {
          const Tensor tensor = held(context.attributes);
          context.set_output(0, tensor.dtype(), tensor.shape());
        },
    .reference = [](const ReferenceContext& context) { copy(held(context.attributes), context.outputs[0]); },
    .flops = ops::no_flops};

extern const Op op_ConstantOfShape;
const Op op_ConstantOfShape{.name = "ConstantOfShape",
                            .structural = kShape,
                            .infer = infer_of_shape,
                            .reference = reference_of_shape,
                            .flops = ops::no_flops};

}  // namespace halftone
