#include "quant/recentre.h"

#include <algorithm>
#include <array>

#include "quant/bias_correction.h"
#include "quant/product.h"

namespace halftone {
namespace {

constexpr auto kMoves =
    std::to_array<std::string_view>({"MaxPool", "Concat", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"});

bool moves(const Node& node) { return std::find(kMoves.begin(), kMoves.end(), node.op) != kMoves.end(); }

/// A Relu, or a Clip from 0 on.
bool starts_at_zero(const Node& node) {
  return node.op == "Relu" || (node.op == "Clip" && node.attributes.has("min") &&
                               node.attributes.get_float("min", 0) == 0 && node.inputs.size() == 1);
}

class Recentrer {
 public:
  /// Convolutions of `zero_padded` are to keep their padding.
  Recentrer(Graph& graph, std::set<std::string> zero_padded)
      : graph_(graph),
        zero_padded_(std::move(zero_padded)),
        producers_(graph.producers()),
        users_(graph.users()),
        sums_(sums_of(graph)) {}

  /// Whether the values of a group can be moved together; then notes what that takes.
  bool follow(const std::vector<ValueId>& group) {
    relus_.clear(), before_.clear(), products_.clear(), sums_after_.clear();
    return std::all_of(group.begin(), group.end(),
                       [&](ValueId id) { return follow_maker(id, group) && follow_readers(id, group); });
  }

  /// Moves the group last followed.
  void move(float center) {
    for (const int index : relus_) {
      Node& node = node_at(index);
      node.op = "Clip";
      node.attributes.set("min", -static_cast<double>(center));
      if (node.attributes.has("max"))
        node.attributes.set("max", node.attributes.get_float("max", 0) - static_cast<double>(center));
    }
    for (const int index : before_) take_off(index, [&](std::size_t) { return center; });
    for (const int index : sums_after_) take_off(index, [&](std::size_t) { return -center; });
    for (const int index : products_) {
      const auto sums = weight_sums(node_at(index));
      take_off(index,
               [&](std::size_t channel) { return static_cast<float>(-static_cast<double>(center) * sums[channel]); });
      if (pads(node_at(index))) pad(index, center);
    }
  }

  /// Writes the biases.
  void finish() {
    correct_biases(graph_, errors_, {});
    graph_.sort();
    infer_types(graph_);
  }

 private:
  Node& node_at(int index) { return graph_.nodes[static_cast<std::size_t>(index)]; }
  const std::vector<int>& users(ValueId id) const { return users_[static_cast<std::size_t>(id)]; }
  int maker(ValueId id) const { return producers_[static_cast<std::size_t>(id)]; }
  static bool contains(const std::vector<ValueId>& group, ValueId id) {
    return std::find(group.begin(), group.end(), id) != group.end();
  }

  /// A product with no bias or one that can be changed.
  bool has_free_bias(int index) {
    const Node& node = node_at(index);
    if (!is_product(graph_, node) || node.op == "MatMul") return false;
    if (node.inputs.size() < 3 || node.inputs[2] == kNoValue) return true;
    const Value& bias = graph_.value(node.inputs[2]);
    return bias.is_constant() && bias.constant.dtype() == DType::f32 &&
           bias.constant.shape() == Shape{graph_.value(node.inputs[1]).constant.shape()[channel_axis(node)]};
  }

  bool follow_maker(ValueId id, const std::vector<ValueId>& group) {
    const int index = maker(id);
    if (index < 0) return false;
    const Node& node = node_at(index);
    if (moves(node))
      return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
        return input == kNoValue || contains(group, input) ||
               (node.op != "Concat" && graph_.value(input).is_constant());
      });
    if (!starts_at_zero(node) || users(node.inputs[0]).size() != 1) return false;
    int before = maker(node.inputs[0]);
    if (before >= 0 && node_at(before).op == "Add") {
      const auto sum =
          std::find_if(sums_.begin(), sums_.end(), [&](const RunningSum& item) { return item.add == before; });
      before = sum == sums_.end() ? -1 : sum->product;
    }
    if (before < 0 || !has_free_bias(before)) return false;
    relus_.push_back(index);
    before_.push_back(before);
    return true;
  }

  bool follow_readers(ValueId id, const std::vector<ValueId>& group) {
    return std::all_of(users(id).begin(), users(id).end(), [&](int index) {
      if (index < 0) return false;
      const Node& node = node_at(index);
      if (moves(node)) return contains(group, node.outputs[0]);
      const auto sum =
          std::find_if(sums_.begin(), sums_.end(), [&](const RunningSum& item) { return item.add == index; });
      if (sum != sums_.end()) {
        sums_after_.push_back(sum->product);
        return sum->other == id && has_free_bias(sum->product);
      }
      products_.push_back(index);
      return has_free_bias(index) && (!pads(node) || (padding_is_stated(node) && !zero_padded_.contains(node.name)));
    });
  }

  static bool padding_is_stated(const Node& node) {
    return node.attributes.get_string("auto_pad", "NOTSET") == "NOTSET";
  }

  static bool pads(const Node& node) {
    if (node.op != "Conv" || node.attributes.get_string("auto_pad", "NOTSET") == "VALID") return false;
    const auto around = node.attributes.get_ints("pads");
    return !padding_is_stated(node) ||
           std::any_of(around.begin(), around.end(), [](std::int64_t pad) { return pad != 0; });
  }

  /// Puts a Pad before a convolution in place of its own padding. The node comes last, so indices stay.
  void pad(int index, float center) {
    const auto around = node_at(index).attributes.get_ints("pads");
    const std::size_t spatial = around.size() / 2;
    std::vector<std::int64_t> pads(2 * (spatial + 2), 0);
    std::copy_n(around.begin(), spatial, pads.begin() + 2);
    std::copy_n(around.begin() + static_cast<std::ptrdiff_t>(spatial), spatial,
                pads.begin() + static_cast<std::ptrdiff_t>(spatial + 4));
    Attributes attributes;
    attributes.set("pads", pads);
    attributes.set("constant_value", -static_cast<double>(center));
    const ValueId padded =
        graph_.add_node("Pad", {node_at(index).inputs[0]}, std::move(attributes), node_at(index).name + "_padded");
    node_at(index).inputs[0] = padded;
    node_at(index).attributes.erase("pads");
  }

  std::vector<double> weight_sums(const Node& node) const {
    const Tensor& weights = graph_.value(node.inputs[1]).constant;
    const std::size_t axis = channel_axis(node);
    std::vector<double> sums(static_cast<std::size_t>(weights.shape()[axis]), 0);
    each_run(weights, axis, [&](std::size_t channel, std::size_t first, std::size_t count) {
      for (const float weight : weights.data<float>().subspan(first, count))
        sums[channel] += static_cast<double>(weight);
    });
    return sums;
  }

  template <typename Amount>
  void take_off(int index, Amount amount) {
    const Node& node = node_at(index);
    auto& errors = errors_[node.name];
    errors.resize(static_cast<std::size_t>(graph_.value(node.inputs[1]).constant.shape()[channel_axis(node)]), 0.0f);
    for (std::size_t channel = 0; channel < errors.size(); ++channel) errors[channel] += amount(channel);
  }

  Graph& graph_;
  const std::set<std::string> zero_padded_;
  const std::vector<int> producers_;
  const std::vector<std::vector<int>> users_;
  const std::vector<RunningSum> sums_;
  std::vector<int> relus_, before_, products_, sums_after_;
  std::map<std::string, std::vector<float>> errors_;
};

/// The centre with the least error; 0 to leave the values alone.
float best_center(const Histogram& histogram) {
  // With the scale high / (448 + g), for a number g of the format, c = g * scale is one too and high - c becomes 448.
  double least = histogram.float8_error(0, histogram.high() / kLargestFloat8);
  float center = 0;
  for (std::uint8_t bits = 1; bits <= 0x7e; ++bits) {
    Float8 number;
    number.bits = bits;
    const float scale = histogram.high() / (kLargestFloat8 + static_cast<float>(number));
    const double error = histogram.float8_error(static_cast<float>(number) * scale, scale);
    if (error < least) least = error, center = static_cast<float>(number) * scale;
  }
  return center;
}

}  // namespace

std::size_t recentre(CalibratedModel& model, const std::map<ValueId, Histogram>& histograms, bool move_padded) {
  const auto all = products_of(model.graph);
  Recentrer recentrer(model.graph, move_padded ? model.sixteen_bit : std::set<std::string>(all.begin(), all.end()));
  std::size_t moved = 0;
  for (const auto& group : values_to_quantize(model.graph, model.sixteen_bit)) {
    Histogram together;
    for (const auto id : group) together.merge(histograms.at(id));
    if (together.low() < 0 || together.high() <= 0 || !recentrer.follow(group)) continue;
    const float center = best_center(together);
    if (center == 0) continue;
    recentrer.move(center);
    for (const auto id : group) {
      model.ranges[id] = {-center, together.high() - center};
      for (auto& tensor : model.tensors)
        if (tensor.name == model.graph.value(id).name)
          tensor = {tensor.name, {tensor.seen.low - center, tensor.seen.high - center}, model.ranges[id]};
    }
    ++moved;
  }
  recentrer.finish();
  return moved;
}

}  // namespace halftone
