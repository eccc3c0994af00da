#include "quant/bias_correction.h"

#include <algorithm>

#include "quant/image_run.h"
#include "quant/product.h"

namespace halftone {
namespace {

/// A product beside its quantised twin, both as averages over space.
struct Probe {
  std::string product;
  std::int64_t channels;
  std::vector<double> error;  // summed over images
};

/// The product again, on input and weights that were rounded; or nothing where its output is no [N, C, ...].
class ProbeBuilder {
 public:
  ProbeBuilder(Graph& graph, const CalibratedModel& model) : graph_(graph), model_(model) {}

  std::vector<Probe> build() {
    std::vector<Probe> probes;
    std::vector<ValueId> outputs;
    const std::size_t count = graph_.nodes.size();
    const auto producers = graph_.producers();
    std::map<int, Lattice> lattices;
    if (!model_.fp8) lattices = lattices_of(graph_, model_.ranges, model_.symmetric);
    for (std::size_t i = 0; i < count; ++i) {
      const Node node = graph_.nodes[i];
      if (!is_product(graph_, node)) continue;
      const ValueId input = rounded_input(graph_, producers, node);
      if (!model_.ranges.contains(input)) continue;
      const Shape shape = graph_.value(node.outputs[0]).type.shape;
      if (node.op == "Conv" ? shape.rank() < 3 : node.op != "Gemm") continue;
      auto inputs = node.inputs;
      inputs[0] = rounded(input);
      if (const int pad = moved_padding(graph_, producers, node); pad >= 0)
        inputs[0] = graph_.add_node("Pad", {inputs[0]}, graph_.nodes[static_cast<std::size_t>(pad)].attributes);
      const auto lattice = lattices.find(static_cast<int>(i));
      inputs[1] = rounded_weights(node, lattice == lattices.end() ? nullptr : &lattice->second);
      const ValueId twin = graph_.add_node(node.op, inputs, node.attributes, node.name + "_probe");
      for (const auto id : {twin, node.outputs[0]})
        outputs.push_back(node.op == "Conv" ? graph_.add_node("GlobalAveragePool", {id}, {}, node.name + "_mean") : id);
      probes.push_back({node.name, shape[1], std::vector<double>(static_cast<std::size_t>(shape[1]), 0.0)});
    }
    graph_.outputs = outputs;
    return probes;
  }

 private:
  ValueId rounded(ValueId id) {
    if (const auto found = rounded_.find(id); found != rounded_.end()) return found->second;
    const auto scale = activation_scale(model_.ranges.at(id), model_.symmetric, model_.fp8);
    const std::string name = graph_.value(id).name;
    const ValueId factor = graph_.add_constant(name + "_probe_scale", Tensor::scalar(scale.scale));
    const ValueId zero = graph_.add_constant(name + "_probe_zero", zero_point(scale, model_.symmetric, model_.fp8));
    const ValueId stored = graph_.add_node("QuantizeLinear", {id, factor, zero});
    return rounded_[id] = graph_.add_node("DequantizeLinear", {stored, factor, zero});
  }

  /// In FP8 as floats, so that every device multiplies them in FP32 at its full speed.
  ValueId rounded_weights(const Node& node, const Lattice* lattice) {
    const std::size_t axis = channel_axis(node);
    const auto weights = weights_of(graph_, node, model_.weights, model_.fp8, lattice);
    if (model_.fp8) return graph_.add_constant(node.name + "_probe_weights", dequantize_weights(weights, axis));
    const ValueId data = graph_.add_constant(node.name + "_probe_weights", weights.data);
    const ValueId scale = graph_.add_constant(node.name + "_probe_weights_scale", weights.scale);
    Attributes attributes;
    attributes.set("axis", static_cast<std::int64_t>(axis));
    return graph_.add_node("DequantizeLinear", {data, scale}, attributes);
  }

  Graph& graph_;
  const CalibratedModel& model_;
  std::map<ValueId, ValueId> rounded_;
};

}  // namespace

std::map<std::string, std::vector<float>> measure_bias_errors(const CalibratedModel& model,
                                                              const std::shared_ptr<Backend>& backend,
                                                              const Dataset& images, const Preprocess& preprocess,
                                                              const QuantizeOptions& options) {
  Graph graph = model.graph;
  auto probes = ProbeBuilder(graph, model).build();
  if (probes.empty()) return {};
  ImageRun run(graph, backend, images, preprocess, options);
  std::size_t seen = 0;
  while (run.next()) {
    const auto outputs = run.outputs();
    for (std::size_t p = 0; p < probes.size(); ++p) {
      const auto twin = outputs[2 * p].data<float>(), plain = outputs[2 * p + 1].data<float>();
      auto& error = probes[p].error;
      for (std::size_t i = 0; i < run.images() * error.size(); ++i)
        error[i % error.size()] += static_cast<double>(twin[i]) - static_cast<double>(plain[i]);
    }
    seen += run.images();
  }
  std::map<std::string, std::vector<float>> errors;
  for (const auto& probe : probes) {
    auto& error = errors[probe.product];
    for (const double sum : probe.error)
      error.push_back(static_cast<float>(sum / static_cast<double>(std::max<std::size_t>(1, seen))));
  }
  return errors;
}

void correct_biases(Graph& graph, const std::map<std::string, std::vector<float>>& errors,
                    const std::set<std::string>& keep_float) {
  for (auto& node : graph.nodes) {
    const auto found = errors.find(node.name);
    if (found == errors.end() || keep_float.contains(node.name)) continue;
    const auto& error = found->second;
    Tensor bias(DType::f32, Shape{static_cast<std::int64_t>(error.size())});
    auto values = bias.data<float>();
    std::fill(values.begin(), values.end(), 0.0f);
    const ValueId old = node.inputs.size() > 2 ? node.inputs[2] : kNoValue;
    if (old != kNoValue) {
      const Tensor& before = graph.value(old).constant;
      if (!before.defined() || before.dtype() != DType::f32 || before.shape() != bias.shape()) continue;
      std::copy_n(before.data<float>().begin(), values.size(), values.begin());
    }
    for (std::size_t c = 0; c < values.size(); ++c) values[c] -= error[c];
    const ValueId made = graph.add_constant(
        old == kNoValue ? node.name + "_bias" : graph.value(old).name + "_corrected", std::move(bias));
    if (node.inputs.size() > 2) node.inputs[2] = made;
    else node.inputs.push_back(made);
  }
}

}  // namespace halftone
