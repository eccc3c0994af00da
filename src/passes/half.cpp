#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>

#include "graph/fused_conv.h"
#include "graph/op.h"
#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

/// What may run on 16-bit floats where its neighbours do: nothing that sums many exponentials or powers.
constexpr auto kFollows = std::to_array<std::string_view>({"Abs",       "Add",           "AveragePool",
                                                           "Clip",      "Concat",        "DepthToSpace",
                                                           "Div",       "Elu",           "GlobalAveragePool",
                                                           "Gelu",      "GlobalMaxPool", "HardSigmoid",
                                                           "HardSwish", "LeakyRelu",     "Max",
                                                           "MaxPool",   "Min",           "Mish",
                                                           "Mul",       "Neg",           "Pad",
                                                           "Relu",      "Reshape",       "Resize",
                                                           "Sigmoid",   "Slice",         "Split",
                                                           "Sub",       "Tanh",          "Transpose"});

bool follows(const Node& node) { return std::find(kFollows.begin(), kFollows.end(), node.op) != kFollows.end(); }

/// Values in the 16-bit type. The twin of a value holds the same numbers, rounded.
class Halver {
 public:
  /// `only`: the products to convert, by name; all where it is empty.
  Halver(Editor& editor, const PassContext& context, DType half, std::set<std::string, std::less<>> only)
      : editor_(editor), context_(context), half_(half), only_(std::move(only)) {}

  bool convert(int index) {
    const Node& node = editor_.node(index);
    if (node.op == "FusedConv")
      return is_f32(node.inputs[FusedConv::kX]) ? takes_half(node) && convert_product(index) : widen_less(index);
    return follows(node) && is_self_contained(node) && convert_follower(index);
  }

  /// Gives every value whose maker is gone, but which is still read as f32, a maker, or its readers the twin.
  void finish() {
    for (const auto& [id, twin] : twins_) {
      if (editor_.users(id).empty() || editor_.producer(id) >= 0 || editor_.constant(id).defined()) continue;
      const auto& inputs = editor_.graph.inputs;
      if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) continue;
      const int maker = editor_.producer(twin);
      if (editor_.node(maker).op == "FusedConv" && editor_.users(twin).empty()) {
        if (const int user = editor_.only_user(id); user >= 0 && rounds_to(maker, user)) continue;
        if (widens_to(maker, id)) continue;
      }
      round_twin(id, twin);
      if (editor_.users(id).empty()) continue;
      Attributes attributes;
      attributes.set("to", std::string("f32"));
      editor_.add_making({"Cast", editor_.graph.value(id).name, std::move(attributes), {twin}, {id}});
    }
  }

 private:
  ValueId twin(ValueId id) {
    if (const auto found = twins_.find(id); found != twins_.end()) return found->second;
    const std::string name = editor_.graph.value(id).name + "_" + std::string(halftone::name(half_));
    ValueId made = kNoValue;
    if (const Tensor& constant = editor_.constant(id); constant.defined()) {
      made = editor_.add_constant(name, constant.to(half_));
    } else if (editor_.producer_op(id) == "DequantizeLinear" && dequantises(editor_.producer(id))) {
      Node node = editor_.node(editor_.producer(id));
      node.attributes.set("output_dtype", std::string(halftone::name(half_)));
      made = editor_.add("DequantizeLinear", node.inputs, std::move(node.attributes), name);
    } else {
      Attributes attributes;
      attributes.set("to", std::string(halftone::name(half_)));
      made = editor_.add("Cast", {id}, std::move(attributes), name);
    }
    twins_[id] = made;
    return made;
  }

  /// Whether the device can turn 8 bits into the 16-bit type at once.
  bool dequantises(int index) {
    Problem problem = problem_of(editor_.graph, editor_.node(index));
    problem.attributes.set("output_dtype", std::string(name(half_)));
    problem.outputs.front().dtype = half_;
    return context_.runs_well(problem);
  }

  /// Lets a product of 16 bits round to the 8 bits that are all it is wanted for, where the device can.
  bool rounds_to(int maker, int quantise) {
    if (editor_.node(quantise).op != "QuantizeLinear") return false;
    const auto y = scale_of(editor_, editor_.node(quantise));
    if (!y || !y->per_tensor() || !is_quantised(y->dtype)) return false;
    Node made = editor_.node(maker);
    if (editor_.type(made.inputs[FusedConv::kX]).dtype != half_) return false;
    made.attributes.set("to", std::string(name(y->dtype)));
    if (y->zero[0] == 0) made.attributes.set("symmetric", std::int64_t{1});
    const float numbers[] = {1, 0, 1, 0, y->scale[0], y->zero[0]};
    made.inputs.resize(FusedConv::kQuantisation, kNoValue);
    made.inputs.push_back(editor_.add_constant(made.name + "_quantisation", from_floats(Shape{6}, numbers)));
    Problem problem = problem_of(editor_.graph, made);
    for (auto& type : problem.outputs) type.dtype = y->dtype;
    if (!context_.runs_well(problem)) return false;
    made.outputs = editor_.node(quantise).outputs;
    editor_.remove(quantise);
    editor_.remove(maker);
    editor_.add_making(std::move(made));
    return true;
  }

  /// Lets a product that nobody wants in 16 bits make the f32 value, unless the device is better at 16 bits.
  bool widens_to(int maker, ValueId id) {
    Node made = editor_.node(maker);
    const Problem narrow = problem_of(editor_.graph, made);
    Problem wide = narrow;
    wide.attributes.set("to", std::string("f32"));
    wide.outputs.front().dtype = DType::f32;
    if (!context_.runs_well(wide) && context_.runs_well(narrow)) return false;
    made.attributes = wide.attributes;
    made.outputs = {id};
    editor_.remove(maker);
    editor_.add_making(std::move(made));
    return true;
  }

  /// Lets what rounds a value to 8 bits read its twin.
  void round_twin(ValueId id, ValueId twin) {
    const auto users = editor_.users(id);
    for (const int user : users) {
      if (user < 0 || editor_.node(user).op != "QuantizeLinear" || editor_.node(user).inputs[0] != id) continue;
      Problem problem = problem_of(editor_.graph, editor_.node(user));
      problem.inputs[0].type.dtype = half_;
      if (context_.runs_well(problem)) editor_.set_input(user, 0, twin);
    }
  }

  bool is_f32(ValueId id) const { return id != kNoValue && editor_.type(id).dtype == DType::f32; }

  /// Whether the device is no worse at the node with the given inputs in the 16-bit type.
  bool worth(const Node& node, const std::vector<char>& halved) {
    const Problem wide = problem_of(editor_.graph, node);
    Problem narrow = wide;
    std::vector<TensorType> types;
    for (std::size_t i = 0; i < narrow.inputs.size(); ++i) {
      if (halved[i]) narrow.inputs[i].type.dtype = half_;
      types.push_back(narrow.inputs[i].type);
    }
    narrow.outputs = infer_outputs(*find_op(node.op), node.attributes, types, node.outputs.size());
    return context_.can_run(narrow) || !context_.can_run(wide);
  }

  void rewrite(int index, const std::vector<char>& halved) {
    Node made = editor_.node(index);
    if (made.attributes.has("to")) made.attributes.set("to", std::string(name(half_)));
    for (std::size_t i = 0; i < made.inputs.size(); ++i)
      if (halved[i]) made.inputs[i] = twin(made.inputs[i]);
    const auto old = made.outputs;
    for (auto& id : made.outputs)
      if (id != kNoValue) id = editor_.add_untyped(editor_.graph.value(id).name + "_" + std::string(name(half_)));
    const auto outputs = made.outputs;
    editor_.remove(index);
    editor_.add_making(std::move(made));
    for (std::size_t i = 0; i < old.size(); ++i)
      if (old[i] != kNoValue) twins_[old[i]] = outputs[i];
  }

  /// Whether a product may run in the 16-bit type.
  bool takes_half(const Node& node) {
    return (only_.empty() || only_.contains(node.name)) && is_f32(node.inputs[FusedConv::kX]) &&
           editor_.constant(node.inputs[FusedConv::kW]).defined() && is_f32(node.outputs[0]) &&
           !node.attributes.has("to");
  }

  bool convert_product(int index) {
    const Node& node = editor_.node(index);
    std::vector<char> halved(node.inputs.size(), 0);
    halved[FusedConv::kX] = halved[FusedConv::kW] = 1;
    if (halved.size() > FusedConv::kResidual) halved[FusedConv::kResidual] = is_f32(node.inputs[FusedConv::kResidual]);
    if (!worth(node, halved)) return false;
    rewrite(index, halved);
    return true;
  }

  /// Whether what reads a node's outputs, be it through views, is as well off with the 16-bit type, so that a view or a
  /// global pool need not be cast back.
  bool wanted(const Node& node) {
    for (const auto id : node.outputs) {
      if (id == kNoValue) continue;
      for (const int user : editor_.users(id)) {
        if (user < 0) continue;
        const Node& reader = editor_.node(user);
        if (reader.op == "FusedConv" || reader.op == "QuantizeLinear" ||
            (follows(reader) && (!yields(reader) || wanted(reader))))
          return true;
      }
    }
    return false;
  }

  /// Lets a product of 8 bits leave 16 of them where nobody wants more.
  bool widen_less(int index) {
    const Node& node = editor_.node(index);
    if (!is_f32(node.outputs[0]) || !read_in_half(node.outputs[0])) return false;
    Problem problem = problem_of(editor_.graph, node);
    problem.attributes.set("to", std::string(name(half_)));
    problem.outputs.front().dtype = half_;
    if (!context_.runs_well(problem)) return false;
    rewrite(index, std::vector<char>(node.inputs.size(), 0));
    return true;
  }

  /// Whether 16-bit products read a value, be it through what follows them, and but for rounding nothing else does.
  bool read_in_half(ValueId id) {
    bool any = false;
    for (const int user : editor_.users(id)) {
      if (user < 0) return false;
      const Node& reader = editor_.node(user);
      if (reader.op == "QuantizeLinear") continue;
      if (reader.op == "FusedConv" ? !takes_half(reader) : !follows(reader)) return false;
      if (reader.op != "FusedConv")
        for (const auto output : reader.outputs)
          if (output != kNoValue && !read_in_half(output)) return false;
      any = true;
    }
    return any;
  }

  /// Views and global pools, which go with what reads them.
  static bool yields(const Node& node) {
    return node.op == "Reshape" || node.op == "Transpose" || node.op == "Split" || node.op == "Slice" ||
           node.op.starts_with("Global");
  }

  bool convert_follower(int index) {
    const Node& node = editor_.node(index);
    bool any = false;
    std::vector<char> halved;
    for (const auto id : node.inputs) {
      if (id != kNoValue && !is_f32(id)) return false;
      halved.push_back(id != kNoValue);
      any = any || (id != kNoValue && twins_.contains(id) && !editor_.constant(id).defined());
    }
    if (!any || (yields(node) && !wanted(node)) || !worth(node, halved)) return false;
    rewrite(index, halved);
    return true;
  }

  Editor& editor_;
  const PassContext& context_;
  DType half_;
  std::set<std::string, std::less<>> only_;
  std::map<ValueId, ValueId> twins_;
};

/// The products that a plan of mixed precisions runs in a 16-bit type.
std::set<std::string, std::less<>> named_layers(const Graph& graph, DType half) {
  std::set<std::string, std::less<>> names;
  const auto found = graph.metadata.find(half == DType::bf16 ? kBf16Layers : kFp16Layers);
  if (found == graph.metadata.end()) return names;
  std::istringstream lines(found->second);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) names.insert(line);
  return names;
}

/// Lets f32 products that the device has tensor cores for run on them.
int allow_tf32(Graph& graph, const PassContext& context) {
  int count = 0;
  for (auto& node : graph.nodes) {
    if (node.op != "FusedConv" || graph.value(node.inputs[FusedConv::kX]).type.dtype != DType::f32) continue;
    Problem problem = problem_of(graph, node);
    problem.attributes.set("math", std::string("tf32"));
    if (!context.can_run(problem)) continue;
    node.attributes.set("math", std::string("tf32"));
    ++count;
  }
  return count;
}

}  // namespace

int run_half(Graph& graph, const PassContext& context) {
  if (context.precision == Precision::tf32) return allow_tf32(graph, context);
  DType half = context.precision == Precision::fp16 ? DType::f16 : DType::bf16;
  std::set<std::string, std::less<>> only;
  if (context.precision == Precision::fp32) {
    only = named_layers(graph, half);
    if (only.empty()) only = named_layers(graph, half = DType::f16);
    if (only.empty()) return 0;
  } else if (context.precision != Precision::bf16 && context.precision != Precision::fp16) {
    return 0;
  }
  Editor editor(graph);
  Halver halver(editor, context, half, only);
  const int count = static_cast<int>(editor.node_count());
  for (int i = 0; i < count; ++i)
    if (editor.alive(i) && halver.convert(i)) ++editor.rewrites;
  halver.finish();
  return editor.rewrites;
}

}  // namespace halftone
