#include "quant/model_diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/interrupt.h"
#include "data/loader.h"
#include "engine/session.h"
#include "passes/pass.h"
#include "quant/accuracy.h"

namespace halftone {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Graph simplified(Graph graph) {
  infer_types(graph);
  simplify(graph);
  infer_types(graph);
  return graph;
}

/// Operators that run fused behind a product.
bool runs_on(const Graph& graph, const Node& node) {
  static const std::set<std::string_view> kOps{"Relu",        "Clip",      "LeakyRelu", "Sigmoid", "Tanh",
                                               "HardSigmoid", "HardSwish", "Elu",       "PRelu"};
  if (node.op == "Add") return !graph.value(node.inputs[0]).is_constant() && !graph.value(node.inputs[1]).is_constant();
  return kOps.contains(node.op);
}

/// The values at which a layer ends, graph inputs first, with what makes each.
std::vector<std::pair<ValueId, std::string>> layer_ends(const Graph& graph) {
  std::vector<std::pair<ValueId, std::string>> ends;
  const auto users = graph.users();
  const auto is_float = [&](ValueId id) {
    const auto dtype = graph.value(id).type.dtype;
    return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
  };
  for (const auto id : graph.inputs)
    if (is_float(id)) ends.emplace_back(id, "input");
  for (const auto& node : graph.nodes) {
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") continue;
    for (const auto id : node.outputs) {
      if (id == kNoValue || !is_float(id) || graph.value(id).is_constant()) continue;
      const auto& readers = users[static_cast<std::size_t>(id)];
      const bool inside =
          readers.size() == 1 && readers[0] >= 0 && runs_on(graph, graph.nodes[static_cast<std::size_t>(readers[0])]);
      if (!inside) ends.emplace_back(id, node.op);
    }
  }
  return ends;
}

/// The value as its readers see it: the DequantizeLinear behind it where it is quantised.
ValueId as_read(const Graph& graph, const std::vector<std::vector<int>>& users, ValueId id) {
  const auto only = [&](ValueId from, std::string_view op) {
    for (const int user : users[static_cast<std::size_t>(from)])
      if (user >= 0 && graph.nodes[static_cast<std::size_t>(user)].op == op)
        return graph.nodes[static_cast<std::size_t>(user)].outputs[0];
    return kNoValue;
  };
  const ValueId stored = only(id, "QuantizeLinear");
  const ValueId back = stored == kNoValue ? kNoValue : only(stored, "DequantizeLinear");
  return back == kNoValue ? id : back;
}

/// One model with the wanted values as its outputs.
struct Side {
  Graph graph;
  std::unique_ptr<Session> session;
  std::size_t own_outputs = 0;

  void watch(const std::vector<ValueId>& values, const std::shared_ptr<Backend>& backend, const DiffOptions& options,
             Precision precision) {
    own_outputs = graph.outputs.size();
    const auto users = graph.users();
    for (const auto id : values) {
      ValueId seen = as_read(graph, users, id);
      const bool taken = std::find(graph.inputs.begin(), graph.inputs.end(), seen) != graph.inputs.end() ||
                         std::find(graph.outputs.begin(), graph.outputs.end(), seen) != graph.outputs.end();
      if (taken) seen = graph.add_node("Identity", {seen}, {}, graph.value(seen).name + "_seen");
      graph.outputs.push_back(seen);
    }
    BuildOptions build_options;
    build_options.batches = {options.batch};
    build_options.threads = options.threads;
    build_options.tune = false;
    build_options.precision = precision;
    session = std::make_unique<Session>(build(graph, backend, build_options));
  }
};

struct Sums {
  double signal = 0, noise = 0, largest = 0;
  std::int64_t not_finite = 0;
};

void add(Sums& sums, std::span<const float> a, std::span<const float> b) {
  double signal = 0, noise = 0, largest = 0;
  std::int64_t bad = 0;
  const auto count = static_cast<std::int64_t>(a.size());
#pragma omp parallel for reduction(+ : signal, noise, bad) reduction(max : largest)
  for (std::int64_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(a[static_cast<std::size_t>(i)]);
    const auto y = static_cast<double>(b[static_cast<std::size_t>(i)]);
    if (!std::isfinite(x) || !std::isfinite(y)) {
      bad += std::isfinite(x) != std::isfinite(y);
      continue;
    }
    signal += x * x;
    noise += (x - y) * (x - y);
    largest = std::max(largest, std::abs(x - y));
  }
  sums.signal += signal;
  sums.noise += noise;
  sums.largest = std::max(sums.largest, largest);
  sums.not_finite += bad;
}

/// For each watched value, dB lost since the worst of the watched values it is made from.
void find_falls(const Graph& graph, const std::vector<ValueId>& watched, std::vector<TensorDiff>& tensors) {
  std::vector<double> best(graph.values.size(), kInfinity);  // the worst SNR among what a value is made from
  std::map<ValueId, std::size_t> place;
  for (std::size_t i = 0; i < watched.size(); ++i) place.emplace(watched[i], i);
  const auto settle = [&](ValueId id, double before) {
    const auto found = place.find(id);
    if (found == place.end()) {
      best[static_cast<std::size_t>(id)] = before;
      return;
    }
    auto& tensor = tensors[found->second];
    // Beyond 60 dB both are as good as equal, and infinity minus infinity is no number.
    tensor.fall = std::min(before, 60.0) - std::min(tensor.snr, 60.0);
    best[static_cast<std::size_t>(id)] = tensor.snr;
  };
  for (const auto id : graph.inputs) settle(id, kInfinity);
  for (const auto& node : graph.nodes) {
    double before = kInfinity;
    for (const auto id : node.inputs)
      if (id != kNoValue) before = std::min(before, best[static_cast<std::size_t>(id)]);
    for (const auto id : node.outputs)
      if (id != kNoValue) settle(id, before);
  }
}

Tensor as_float(const Tensor& tensor) { return tensor.dtype() == DType::f32 ? tensor : tensor.to(DType::f32); }

}  // namespace

ModelDiff diff_models(const Graph& a, const Graph& b, const std::shared_ptr<Backend>& backend, const Dataset& images,
                      const Preprocess& preprocess, const DiffOptions& options) {
  if (images.size() == 0) fail(Code::invalid_argument, "{}: no images to compare on", images.path());
  std::array<Side, 2> sides;
  sides[0].graph = simplified(a);
  sides[1].graph = simplified(b);
  for (auto& side : sides) {
    if (side.graph.inputs.size() != 1)
      fail(Code::unsupported, "comparing on images needs models with one input, one has {}", side.graph.inputs.size());
    set_batch(side.graph, options.batch);
    const TensorType wanted{preprocess.dtype, preprocess.shape(options.batch)};
    const Value& input = side.graph.value(side.graph.inputs.front());
    if (input.type != wanted)
      fail(Code::invalid_argument, "the preprocessing gives {}, the input '{}' wants {}", wanted.text(), input.name,
           input.type.text());
  }
  std::map<std::string_view, ValueId> theirs;
  for (std::size_t i = 0; i < sides[1].graph.values.size(); ++i)
    theirs.emplace(sides[1].graph.values[i].name, static_cast<ValueId>(i));
  ModelDiff diff;
  std::vector<ValueId> here, there;
  const auto take = [&](ValueId mine, ValueId other, const std::string& op) {
    here.push_back(mine);
    there.push_back(other);
    diff.tensors.push_back({sides[0].graph.value(mine).name, op});
  };
  const auto& outputs = sides[0].graph.outputs;
  for (const auto& [id, op] : layer_ends(sides[0].graph)) {
    if (std::find(outputs.begin(), outputs.end(), id) != outputs.end()) continue;
    if (op == "input") {
      take(id, sides[1].graph.inputs.front(), op);
      continue;
    }
    const auto found = theirs.find(sides[0].graph.value(id).name);
    if (found == theirs.end() || sides[1].graph.value(found->second).is_constant() ||
        sides[1].graph.value(found->second).type.shape != sides[0].graph.value(id).type.shape)
      ++diff.unmatched;
    else take(id, found->second, op);
  }
  const auto producers = sides[0].graph.producers();
  for (std::size_t i = 0; i < std::min(outputs.size(), sides[1].graph.outputs.size()); ++i) {
    const ValueId mine = outputs[i], other = sides[1].graph.outputs[i];
    if (sides[0].graph.value(mine).type.shape != sides[1].graph.value(other).type.shape) continue;
    const int maker = producers[static_cast<std::size_t>(mine)];
    take(mine, other, maker < 0 ? "input" : sides[0].graph.nodes[static_cast<std::size_t>(maker)].op);
  }
  if (here.size() < 2)
    fail(Code::invalid_argument,
         "the models have nothing to compare: no tensor of one name and shape, no output of one shape");
  const Graph layers = sides[0].graph;
  sides[0].watch(here, backend, options, options.precision[0]);
  sides[1].watch(there, backend, options, options.precision[1]);

  std::vector<Sums> sums(here.size());
  BatchLoader loader(images, preprocess,
                     {.batch = options.batch, .threads = options.threads, .skip_unreadable = options.skip_unreadable});
  while (auto batch = loader.next()) {
    check_interrupted();
    const auto ours = sides[0].session->run(std::span<const Tensor>(&batch->images, 1));
    const auto other = sides[1].session->run(std::span<const Tensor>(&batch->images, 1));
    const auto rows = [&](const Tensor& tensor) {
      const auto all = tensor.data<float>();
      return all.first(all.size() / static_cast<std::size_t>(options.batch) * static_cast<std::size_t>(batch->count));
    };
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const Tensor x = as_float(ours[sides[0].own_outputs + i]), y = as_float(other[sides[1].own_outputs + i]);
      add(sums[i], rows(x), rows(y));
    }
    const Tensor x = as_float(ours.front()), y = as_float(other.front());
    const auto classes_x = rows(x).size() / static_cast<std::size_t>(batch->count);
    const auto classes_y = rows(y).size() / static_cast<std::size_t>(batch->count);
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch->count); ++i)
      diff.agree += best_classes(rows(x).subspan(i * classes_x, classes_x), 1) ==
                    best_classes(rows(y).subspan(i * classes_y, classes_y), 1);
    diff.images += static_cast<std::size_t>(batch->count);
    if (options.progress) options.progress(diff.images + loader.skipped().size(), images.size());
  }
  for (const auto& item : loader.skipped()) diff.skipped.push_back(item.reason);
  if (diff.images == 0) fail(Code::invalid_argument, "{}: none of the images could be read", images.path());

  for (std::size_t i = 0; i < sums.size(); ++i) {
    auto& tensor = diff.tensors[i];
    tensor.not_finite = sums[i].not_finite;
    tensor.largest_error = sums[i].largest;
    if (sums[i].noise > 0) {
      tensor.relative_error = sums[i].signal > 0 ? std::sqrt(sums[i].noise / sums[i].signal) : kInfinity;
      tensor.snr = -20 * std::log10(tensor.relative_error);
    } else {
      tensor.snr = kInfinity;
    }
    if (!diff.first_wrong && (tensor.snr < options.snr_limit || tensor.not_finite > 0)) diff.first_wrong = i;
  }
  find_falls(layers, here, diff.tensors);
  for (std::size_t i = 0; i < diff.tensors.size(); ++i)
    if (diff.tensors[i].op != "input" &&
        diff.tensors[i].fall > (diff.largest_fall ? diff.tensors[*diff.largest_fall].fall : 0))
      diff.largest_fall = i;
  return diff;
}

}  // namespace halftone
