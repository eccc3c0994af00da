#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "passes/constants.h"
#include "passes/pass.h"

namespace halftone {
namespace {

bool is_view(std::string_view op) { return op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze"; }

std::vector<std::int64_t> perm_of(const Node& node, std::size_t rank) {
  auto perm = node.attributes.get_ints("perm");
  if (!perm.empty()) return perm;
  for (std::size_t i = rank; i-- > 0;) perm.push_back(static_cast<std::int64_t>(i));
  return perm;
}

/// Whether only axes of extent 1 change place, so that the elements stay where they are.
bool moves_nothing(const std::vector<std::int64_t>& perm, const Shape& in) {
  std::int64_t last = -1;
  for (const auto axis : perm) {
    const auto at = normalize_axis(axis, in.rank());
    if (in[at] == 1) continue;
    if (static_cast<std::int64_t>(at) < last) return false;
    last = static_cast<std::int64_t>(at);
  }
  return true;
}

/// Whether output 0 is input 0, element by element. Those that hold for every batch size come first.
bool does_nothing(Editor& editor, const Node& node, bool any_batch) {
  const auto& in = editor.type(node.inputs[0]);
  const auto& out = editor.type(node.outputs[0]);
  if (node.op == "Identity") return true;
  if (node.op == "Dropout") return bound(editor, node, 2, "training_mode", 0) == 0.0f;
  if (node.op == "Cast") return in.dtype == out.dtype;
  if (node.op == "Transpose") {
    const auto perm = perm_of(node, in.shape.rank());
    for (std::size_t i = 0; i < perm.size(); ++i)
      if (perm[i] != static_cast<std::int64_t>(i)) return false;
    return true;
  }
  const bool joins =
      node.op == "Concat" || node.op == "Sum" || node.op == "Max" || node.op == "Min" || node.op == "Mean";
  if (joins) return node.inputs.size() == 1;
  if (any_batch || in != out || !is_self_contained(node)) return false;
  if (is_view(node.op) || node.op == "Expand" || node.op == "Tile") return true;
  if (node.op == "Slice") return all_are(node.attributes.get_ints("steps"), 1);
  if (node.op == "Pad") return all_are(node.attributes.get_ints("pads"), 0);
  if (node.op == "MaxPool" || node.op == "AveragePool")
    return all_are(node.attributes.get_ints("kernel_shape"), 1) && all_are(node.attributes.get_ints("pads"), 0) &&
           all_are(node.attributes.get_ints("strides"), 1) && node.outputs.size() == 1;
  return false;
}

void drop_idle(Editor& editor, bool any_batch) {
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i) {
    const Node& node = editor.node(i);
    if (node.op.empty() || node.outputs.empty() || node.inputs.empty() || node.inputs[0] == kNoValue) continue;
    const bool extra = std::any_of(node.outputs.begin() + 1, node.outputs.end(),
                                   [&](ValueId id) { return id != kNoValue && !editor.users(id).empty(); });
    if (extra || node.outputs[0] == kNoValue || !does_nothing(editor, node, any_batch)) continue;
    const auto from = node.outputs[0];
    const auto to = node.inputs[0];
    // An output that is an input, a constant or another output needs a node to make it.
    if (editor.is_output(from) && (editor.producer(to) < 0 || editor.is_output(to))) continue;
    editor.replace(from, to);
    editor.remove(i);
    ++editor.rewrites;
  }
}

/// Reshapes become one Reshape to a stated shape; Transposes are merged.
void merge_views(Editor& editor) {
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i) {
    if (!editor.alive(i) || !is_self_contained(editor.node(i)) || editor.node(i).inputs.empty()) continue;
    Node& node = editor.node(i);
    if (node.inputs[0] == kNoValue || node.outputs[0] == kNoValue) continue;
    const auto& out = editor.shape(node.outputs[0]);
    if (node.op == "Transpose") {
      const auto perm = perm_of(node, out.rank());
      if (moves_nothing(perm, editor.shape(node.inputs[0]))) {
        node.op = "Reshape";
        node.attributes = {};
        node.attributes.set("shape", out.dims());
        ++editor.rewrites;
      } else if (editor.producer_op(node.inputs[0]) == "Transpose") {
        const Node& before = editor.node(editor.producer(node.inputs[0]));
        const auto first = perm_of(before, perm.size());
        std::vector<std::int64_t> both;
        for (const auto axis : perm) both.push_back(first[normalize_axis(axis, perm.size())]);
        const auto source = before.inputs[0];
        node.attributes.set("perm", both);
        editor.set_input(i, 0, source);
        ++editor.rewrites;
        --i;  // it may have become a Reshape
        continue;
      }
    }
    if (!is_view(node.op) || out.count() == 0) continue;
    if (node.op != "Reshape" || node.attributes.get_ints("shape") != out.dims()) {
      node.op = "Reshape";
      node.attributes = {};
      node.attributes.set("shape", out.dims());
      ++editor.rewrites;
    }
    while (is_view(editor.producer_op(node.inputs[0]))) {
      editor.set_input(i, 0, editor.node(editor.producer(node.inputs[0])).inputs[0]);
      ++editor.rewrites;
    }
  }
}

/// What two constants must share to be one: type and bytes. Empty for large ones, which are told apart by id.
std::string content_key(const Tensor& tensor) {
  if (!tensor.defined() || tensor.bytes() > 256) return {};
  return tensor.type().text() + std::string(static_cast<const char*>(tensor.raw()), tensor.bytes());
}

/// Nodes that compute the same from the same become one.
void merge_equal(Editor& editor) {
  std::unordered_map<std::string, ValueId> constants;
  std::vector<ValueId> stands_for(editor.graph.values.size());
  std::iota(stands_for.begin(), stands_for.end(), 0);
  for (std::size_t i = 0; i < stands_for.size(); ++i)
    if (auto key = content_key(editor.graph.values[i].constant); !key.empty())
      stands_for[i] = constants.try_emplace(std::move(key), static_cast<ValueId>(i)).first->second;
  std::unordered_map<std::string, int> seen;
  for (int i = 0; i < static_cast<int>(editor.node_count()); ++i) {
    if (!editor.alive(i)) continue;
    const Node& node = editor.node(i);
    std::string key = fmt::format("{} {}", node.op, node.outputs.size());
    for (const auto id : node.inputs)
      key += fmt::format(" {}", id == kNoValue ? -1 : stands_for[static_cast<std::size_t>(id)]);
    for (const auto& [name, value] : node.attributes.entries()) key += fmt::format(" {}={}", name, text(value));
    const auto [place, fresh] = seen.try_emplace(std::move(key), i);
    if (fresh) continue;
    const bool shown = std::any_of(node.outputs.begin(), node.outputs.end(),
                                   [&](ValueId id) { return id != kNoValue && editor.is_output(id); });
    const Node& other = editor.node(place->second);
    bool same_outputs = node.outputs.size() == other.outputs.size();
    for (std::size_t k = 0; same_outputs && k < node.outputs.size(); ++k)
      same_outputs = node.outputs[k] == kNoValue || other.outputs[k] != kNoValue;
    if (shown || !same_outputs || node.op == "Dropout") continue;
    const auto from = node.outputs;
    const auto to = other.outputs;
    for (std::size_t k = 0; k < from.size(); ++k)
      if (from[k] != kNoValue) editor.replace(from[k], to[k]);
    editor.remove(i);
    ++editor.rewrites;
  }
}

std::unordered_map<std::string, Tensor> constants_of(const Graph& graph) {
  std::unordered_map<std::string, Tensor> result;
  for (const auto& value : graph.values)
    if (value.is_constant()) result[value.name] = value.constant;
  return result;
}

/// The graph with another batch size, folded; nothing when the model does not take one.
std::optional<Graph> folded_for_other_batch(Graph graph) {
  for (const auto id : graph.inputs) {
    auto& input = graph.value(id);
    bool symbolic = false;
    for (std::size_t axis = 0; axis < input.dim_names.size() && axis < input.type.shape.rank(); ++axis)
      if (!input.dim_names[axis].empty()) {
        ++input.type.shape[axis];
        symbolic = true;
      }
    if (!symbolic && input.type.shape.rank() > 0) ++input.type.shape[0];
  }
  try {
    infer_types(graph);
    fold_constants(graph);
  } catch (const Error&) {
    return std::nullopt;
  }
  return graph;
}

/// Names of the values that follow from constants without looking at any shape.
std::set<std::string> shape_free(const Graph& graph) {
  std::set<std::string> names;
  std::vector<char> known(graph.values.size(), 0);
  for (std::size_t i = 0; i < known.size(); ++i) known[i] = graph.values[i].is_constant();
  for (const auto& node : graph.nodes) {
    const bool all = std::all_of(node.inputs.begin(), node.inputs.end(),
                                 [&](ValueId id) { return id == kNoValue || known[static_cast<std::size_t>(id)]; });
    for (const auto id : node.outputs)
      if (all && id != kNoValue) {
        known[static_cast<std::size_t>(id)] = 1;
        names.insert(graph.value(id).name);
      }
  }
  return names;
}

}  // namespace

int run_fold(Graph& graph, const PassContext&) {
  const auto before = graph.nodes.size();
  fold_constants(graph);
  Editor editor(graph);
  drop_idle(editor, false);
  merge_views(editor);
  drop_idle(editor, false);
  merge_equal(editor);
  return static_cast<int>(before - std::min(before, graph.nodes.size())) + editor.rewrites;
}

int run_fold_any_batch(Graph& graph, const PassContext&) {
  Graph here = graph;
  fold_constants(here);
  const auto constants = constants_of(here);
  const auto other = folded_for_other_batch(graph);
  const auto other_constants = other ? constants_of(*other) : std::unordered_map<std::string, Tensor>{};
  const auto free = other ? std::set<std::string>{} : shape_free(graph);
  const auto settled = [&](ValueId id) -> const Tensor* {
    if (id == kNoValue) return nullptr;
    const auto& name = graph.value(id).name;
    const auto found = constants.find(name);
    if (found == constants.end()) return nullptr;
    if (!other) return free.contains(name) ? &found->second : nullptr;
    const auto there = other_constants.find(name);
    const bool same = there != other_constants.end() && there->second.type() == found->second.type() &&
                      std::memcmp(there->second.raw(), found->second.raw(), found->second.bytes()) == 0;
    return same ? &found->second : nullptr;
  };
  int folded = 0;
  for (auto& node : graph.nodes) {
    bool all = true;
    bool any = false;
    for (const auto id : node.outputs) {
      all = all && (id == kNoValue || settled(id) != nullptr);
      any = any || id != kNoValue;
    }
    if (!all || !any) continue;
    for (const auto id : node.outputs)
      if (id != kNoValue) graph.value(id).constant = *settled(id);
    node.op.clear();
    ++folded;
  }
  std::erase_if(graph.nodes, [](const Node& node) { return node.op.empty(); });
  Editor editor(graph);
  drop_idle(editor, true);
  return folded + editor.rewrites;
}

int run_dequantize(Graph& graph, const PassContext&) {
  const auto before = graph.nodes.size();
  fold_constants(graph, std::size_t{64} << 20, false);
  return static_cast<int>(before - std::min(before, graph.nodes.size()));
}

}  // namespace halftone
