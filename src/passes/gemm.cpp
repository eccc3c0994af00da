#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

constexpr std::size_t kSwap[] = {1, 0};
constexpr std::size_t kChannelsLast[] = {0, 2, 3, 1};

/// x [.., K] times w [O, K] plus bias [O] (may be empty), each factor applied already.
struct Product {
  ValueId x = kNoValue;
  Weights w;
  std::vector<float> bias;
};

bool multiply(Weights& weights, float factor) {
  if (factor == 1) return true;
  if (weights.scale) {
    if (!(factor > 0)) return false;
    for (auto& scale : weights.scale->scale) scale *= factor;
  } else {
    auto values = floats(weights.data);
    for (auto& value : values) value *= factor;
    weights.data = from_floats(weights.shape(), values, weights.data.dtype());
  }
  return true;
}

std::optional<Product> product_of(Editor& editor, const Node& node) {
  const bool gemm = node.op == "Gemm";
  if (!gemm && node.op != "MatMul") return std::nullopt;
  const auto& x = editor.type(node.inputs[0]);
  const bool fits = x.dtype == DType::f32 || x.dtype == DType::f16 || x.dtype == DType::bf16;
  if (!fits || x.shape.rank() < 2 || x.shape.count() == 0 || editor.constant(node.inputs[0]).defined())
    return std::nullopt;
  auto weights = weights_of(editor, node.inputs[1]);
  if (!weights || weights->shape().rank() != 2 || node.attributes.get_int("transA", 0) != 0) return std::nullopt;
  Product product{node.inputs[0], std::move(*weights), {}};
  if (!gemm || node.attributes.get_int("transB", 0) == 0) product.w.permute(kSwap);
  const auto& scale = product.w.scale;
  if (scale && !scale->per_tensor() && scale->axis != 0) return std::nullopt;
  if (!gemm) return product;
  if (!multiply(product.w, static_cast<float>(node.attributes.get_float("alpha", 1)))) return std::nullopt;
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    auto bias = per_channel(editor.constant(node.inputs[2]), editor.shape(node.outputs[0]), 1);
    if (!bias) return std::nullopt;
    product.bias = std::move(*bias);
    for (auto& value : product.bias) value *= static_cast<float>(node.attributes.get_float("beta", 1));
  }
  return product;
}

/// Whether `id` comes out of convolutions or poolings, so that it will lie channels last.
bool is_image(Editor& editor, ValueId id) {
  for (int steps = 0; steps < 64 && id != kNoValue; ++steps) {
    const int index = editor.producer(id);
    if (index < 0) return false;
    const auto& node = editor.node(index);
    if (node.op == "Conv" || node.op == "FusedConv" || node.op.find("Pool") != std::string::npos) return true;
    if (node.inputs.empty()) return false;
    id = node.inputs[0];
  }
  return false;
}

/// The product's x as [M,1,1,K]. A flattened image is read channels last instead, and w's columns follow.
ValueId as_pixels(Editor& editor, Product& product) {
  const std::int64_t k = product.w.shape()[1];
  const Shape pixels{editor.shape(product.x).count() / k, 1, 1, k};
  int dequantise = -1;
  ValueId id = product.x;
  if (editor.producer_op(id) == "DequantizeLinear") {
    const auto scale = scale_of(editor, editor.node(editor.producer(id)));
    if (scale && scale->per_tensor()) {
      dequantise = editor.producer(id);
      id = editor.node(dequantise).inputs[0];
    }
  }
  const auto through = [&](ValueId value) { return dequantise < 0 ? value : add_like(editor, dequantise, value, 0); };
  if (editor.producer_op(id) != "Reshape") return through(editor.reshape(id, pixels));
  const ValueId image = editor.node(editor.producer(id)).inputs[0];
  const Shape shape = editor.shape(image);
  const bool flattened = shape.rank() == 4 && editor.shape(id) == Shape{shape[0], k} && shape[0] == pixels[0];
  if (!flattened || shape[2] * shape[3] == 1 || shape[1] == 1 || !is_image(editor, image))
    return through(editor.reshape(id, pixels));
  Attributes attributes;
  attributes.set("perm", std::vector<std::int64_t>{0, 2, 3, 1});
  const auto last = editor.add("Transpose", {image}, std::move(attributes), editor.graph.value(image).name + "_nhwc");
  const std::int64_t outputs = product.w.shape()[0];
  product.w.reshape(Shape{outputs, shape[1], shape[2], shape[3]}, 0);
  product.w.permute(kChannelsLast);
  product.w.reshape(Shape{outputs, k}, 0);
  return through(editor.reshape(last, pixels));
}

/// MatMul -> Add of a vector becomes the product with a bias.
void take_bias(Editor& editor, int index, Product& product) {
  const auto output = editor.node(index).outputs[0];
  const int user = editor.only_user(output);
  if (user < 0 || !product.bias.empty() || editor.node(user).op != "Add") return;
  const auto& add = editor.node(user);
  const auto other = add.inputs[add.inputs[0] == output ? 1 : 0];
  const Shape shape = editor.shape(output);
  const auto bias = per_channel(editor.constant(other), shape, shape.rank() - 1);
  if (!bias || editor.shape(add.outputs[0]) != shape) return;
  product.bias = *bias;
  editor.replace(add.outputs[0], output);
  editor.remove(user);
}

}  // namespace

int run_gemm(Graph& graph, const PassContext&) {
  Editor editor(graph);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i) {
    if (!editor.alive(i)) continue;
    auto product = product_of(editor, editor.node(i));
    if (!product) continue;
    take_bias(editor, i, *product);
    const auto output = editor.node(i).outputs[0];
    const std::string name = editor.node(i).name;
    const auto x = as_pixels(editor, *product);
    const std::int64_t outputs = product->w.shape()[0];
    product->w.reshape(Shape{outputs, 1, 1, product->w.shape()[1]}, 0);
    std::vector<ValueId> inputs{x, add_weights(editor, product->w, name + "_weights")};
    if (!product->bias.empty())
      inputs.push_back(editor.add_constant(name + "_bias", from_floats(Shape{outputs}, product->bias)));
    const auto y = editor.add("FusedConv", std::move(inputs), {}, name);
    editor.replace(output, editor.reshape(y, editor.shape(output)));
    editor.remove(i);
    ++editor.rewrites;
  }
  return editor.rewrites;
}

}  // namespace halftone
