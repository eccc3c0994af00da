#include "zoo/builder.h"

#include <cmath>

namespace halftone::zoo {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits that looks random.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

Builder::Builder(std::string name, std::uint64_t seed, std::int64_t batch) : seed_(seed) {
  graph_.name = std::move(name);
  const ValueId id = graph_.add_input("input", {DType::f32, Shape{batch, 3, 224, 224}});
  graph_.value(id).dim_names = {"N", "", "", ""};
}

ValueId Builder::random(const std::string& name, Shape shape, double centre, double spread) {
  Tensor tensor(DType::f32, std::move(shape));
  const std::uint64_t base = mix(mix(seed_) ^ ++stream_);
  std::uint64_t index = 0;
  for (float& element : tensor.data<float>()) {
    const double unit = static_cast<double>(mix(base + index++) >> 11) * 0x1p-52 - 1;  // [-1, 1)
    element = static_cast<float>(centre + spread * unit);
  }
  // Names are unique by construction, so the search of add_constant() is not needed.
  const ValueId id = graph_.add_value(name, tensor.type());
  graph_.value(id).constant = std::move(tensor);
  return id;
}

Feature Builder::convolution(const std::string& name, Feature x, std::int64_t channels, const Conv& conv, bool bias) {
  const std::int64_t fan_in = x.channels / conv.group * conv.kernel * conv.kernel;
  const double deviation = std::sqrt(2.0 / static_cast<double>(fan_in));  // He et al. 2015, for ReLU
  std::vector<ValueId> inputs{x.id,
                              random(name + ".weight", {channels, x.channels / conv.group, conv.kernel, conv.kernel}, 0,
                                     deviation * std::sqrt(3.0))};
  if (bias) inputs.push_back(random(name + ".bias", {channels}, 0, 0.05));
  Attributes attributes;
  const auto pair = [](std::int64_t value) { return std::vector<std::int64_t>{value, value}; };
  attributes.set("kernel_shape", pair(conv.kernel));
  attributes.set("strides", pair(conv.stride));
  attributes.set("pads", std::vector<std::int64_t>(4, conv.pad));
  attributes.set("dilations", pair(1));
  attributes.set("group", conv.group);
  return {graph_.add_node("Conv", std::move(inputs), std::move(attributes), name), channels, 2 * x.power};
}

Feature Builder::conv(const std::string& name, Feature x, std::int64_t channels, Conv conv) {
  return convolution(name, x, channels, conv, true);
}

Feature Builder::conv_bn(const std::string& name, Feature x, std::int64_t channels, Conv conv, double epsilon,
                         double gain) {
  const Feature y = convolution(name, x, channels, conv, false);
  const std::string norm = name + ".norm";
  const double variance = y.power;
  const std::vector<ValueId> inputs{y.id, random(norm + ".weight", {channels}, gain, 0.2 * gain),
                                    random(norm + ".bias", {channels}, 0, 0.2 * gain),
                                    random(norm + ".running_mean", {channels}, 0, 0.1 * std::sqrt(variance)),
                                    random(norm + ".running_var", {channels}, variance, 0.25 * variance)};
  Attributes attributes;
  attributes.set("epsilon", static_cast<double>(static_cast<float>(epsilon)));
  return {graph_.add_node("BatchNormalization", inputs, std::move(attributes), norm), channels, gain * gain};
}

Feature Builder::unary(const std::string& op, Feature x, Attributes attributes, double power) {
  const auto name = fmt::format("{}_{}", op, count_++);
  return {graph_.add_node(op, {x.id}, std::move(attributes), name), x.channels, power, x.positive};
}

Feature Builder::relu(Feature x) {
  Feature y = unary("Relu", x, {}, x.power * (x.positive ? 0.9 : 0.5));
  y.positive = true;
  return y;
}

Feature Builder::relu6(Feature x) {
  Attributes bounds;
  bounds.set("min", 0.0);
  bounds.set("max", 6.0);
  return unary("Clip", x, std::move(bounds), x.power / 2);
}

Feature Builder::max_pool(Feature x, std::int64_t kernel, std::int64_t stride, std::int64_t pad, bool ceil) {
  Attributes attributes;
  attributes.set("kernel_shape", std::vector<std::int64_t>{kernel, kernel});
  attributes.set("strides", std::vector<std::int64_t>{stride, stride});
  attributes.set("pads", std::vector<std::int64_t>(4, pad));
  if (ceil) attributes.set("ceil_mode", std::int64_t{1});
  return unary("MaxPool", x, std::move(attributes), 2.5 * x.power);  // the largest of some correlated values
}

Feature Builder::add(Feature a, Feature b) {
  return {graph_.add_node("Add", {a.id, b.id}, {}, fmt::format("Add_{}", count_++)), a.channels, a.power + b.power,
          a.positive || b.positive};
}

Feature Builder::concat(const std::vector<Feature>& parts) {
  std::vector<ValueId> inputs;
  Feature result{kNoValue, 0, 0};
  for (const auto& part : parts) {
    inputs.push_back(part.id);
    result.channels += part.channels;
    result.power += part.power * static_cast<double>(part.channels);
  }
  result.power /= static_cast<double>(result.channels);
  Attributes attributes;
  attributes.set("axis", std::int64_t{1});
  result.id = graph_.add_node("Concat", std::move(inputs), std::move(attributes), fmt::format("Concat_{}", count_++));
  return result;
}

Feature Builder::pool_to_vector(Feature x) { return flatten(unary("GlobalAveragePool", x, {}, x.power / 2), 1); }

Feature Builder::flatten(Feature x, std::int64_t pixels) {
  Attributes attributes;
  attributes.set("axis", std::int64_t{1});
  Feature y = unary("Flatten", x, std::move(attributes), x.power);
  y.channels = x.channels * pixels;
  return y;
}

Feature Builder::linear(const std::string& name, Feature x, std::int64_t channels) {
  const double spread = std::sqrt(6.0 / static_cast<double>(x.channels));
  const ValueId weight = random(name + ".weight", {channels, x.channels}, 0, spread);
  const ValueId bias = random(name + ".bias", {channels}, 0, 0.05);
  Attributes attributes;
  attributes.set("transB", std::int64_t{1});
  return {graph_.add_node("Gemm", {x.id, weight, bias}, std::move(attributes), name), channels, 2 * x.power};
}

Graph Builder::finish(Feature logits) {
  graph_.value(logits.id).name = "logits";
  graph_.outputs = {logits.id};
  graph_.verify();
  infer_types(graph_);
  return std::move(graph_);
}

}  // namespace halftone::zoo
