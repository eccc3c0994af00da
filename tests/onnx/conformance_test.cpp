#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "base/file.h"
#include "graph/op.h"
#include "onnx/proto.h"
#include "onnx/reader.h"
#include "onnx/tensor.h"
#include "onnx/upgrade.h"

// ONNX's test cases: a folder each, with model.onnx and test_data_set_N/{input,output}_M.pb. Inputs that shape a result
// (a Reshape's target) are bound as constants, as an engine needs them; everything is then computed by the references.
// tests/onnx/ignore.txt names the cases that cannot run and why; it may name no case that passes.

namespace halftone {
namespace {

namespace fs = std::filesystem;

constexpr double kRelative = 1e-3;  // ONNX's own runner's
constexpr double kAbsolute = 1e-7;

std::vector<Tensor> tensors_of(const fs::path& folder, std::string_view kind) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0;; ++i) {
    const auto path = folder / fmt::format("{}_{}.pb", kind, i);
    if (!fs::exists(path)) return tensors;
    tensors.push_back(tensor_from_proto_file(path));
  }
}

/// The values that must be known when the graph is built: structural inputs and all that they are computed from, except
/// through Shape and Size, which need no elements.
std::set<std::string> wanted_constant(const onnx::GraphProto& graph) {
  std::set<std::string> wanted;
  for (int i = graph.node_size(); i-- > 0;) {
    const auto& node = graph.node(i);
    const Op* op = find_op(modern_name(node.op_type()));
    if (!op) continue;
    for (const auto& structural : op->structural)
      if (structural.index < static_cast<std::size_t>(node.input_size()))
        wanted.insert(node.input(static_cast<int>(structural.index)));
    const bool feeds = std::any_of(node.output().begin(), node.output().end(),
                                   [&](const std::string& output) { return wanted.contains(output); });
    if (feeds && node.op_type() != "Shape" && node.op_type() != "Size")
      wanted.insert(node.input().begin(), node.input().end());
  }
  return wanted;
}

/// The model with its inputs' extents as in the data, and those that must be constant made initializers. Cases of
/// opsets older than the oldest that is read use operators that mean the same there, so they are read as of that one.
std::string bound(const std::string& bytes, const std::vector<Tensor>& inputs) {
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) fail(Code::invalid_model, "does not parse");
  for (auto& import : *model.mutable_opset_import())
    if (import.domain().empty()) import.set_version(std::max<std::int64_t>(import.version(), kOldestOpset));
  auto& graph = *model.mutable_graph();
  const auto wanted = wanted_constant(graph);
  for (int i = 0; i < graph.input_size() && i < static_cast<int>(inputs.size()); ++i) {
    auto& input = *graph.mutable_input(i);
    const Tensor& tensor = inputs[static_cast<std::size_t>(i)];
    if (wanted.contains(input.name())) {
      tensor_to_proto(tensor, input.name(), *graph.add_initializer());
      continue;
    }
    auto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    shape.Clear();
    for (const auto extent : tensor.shape()) shape.add_dim()->set_dim_value(extent);
  }
  return model.SerializeAsString();
}

/// The data of bfloat16 cases is kept as uint16, for want of such a type in NumPy; this gives it the model's type.
Tensor as_declared(const Tensor& tensor, const onnx::ValueInfoProto& info) {
  const bool bf16 = info.type().tensor_type().elem_type() == onnx::TensorProto::BFLOAT16;
  if (!bf16 || tensor.dtype() != DType::u16) return tensor;
  return {TensorType{DType::bf16, tensor.shape()}, tensor.buffer()};
}

/// What is wrong with a tensor, or nothing. Element by element |got - wanted| <= kAbsolute + kRelative * |wanted|.
std::string difference(const Tensor& got, const Tensor& wanted) {
  if (got.type() != wanted.type()) return fmt::format("is {}, not {}", got.type().text(), wanted.type().text());
  const auto a = got.to_doubles();
  const auto b = wanted.to_doubles();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
                      std::abs(a[i] - b[i]) <= kAbsolute + kRelative * std::abs(b[i]);
    if (!same) return fmt::format("element {} is {}, not {}", i, a[i], b[i]);
  }
  return {};
}

/// Runs all data sets of a case; what went wrong, or nothing.
std::string failure_of(const fs::path& folder) {
  try {
    const auto bytes = read_file(folder / "model.onnx");
    bool any = false;
    for (int set = 0;; ++set) {
      const auto data = folder / fmt::format("test_data_set_{}", set);
      if (!fs::exists(data)) return any ? "" : "has no data";
      any = true;
      const auto inputs = tensors_of(data, "input");
      const auto wanted = tensors_of(data, "output");
      onnx::ModelProto names;
      names.ParseFromString(bytes);
      std::map<std::string, Tensor> by_name;
      for (int i = 0; i < names.graph().input_size() && i < static_cast<int>(inputs.size()); ++i)
        by_name[names.graph().input(i).name()] =
            as_declared(inputs[static_cast<std::size_t>(i)], names.graph().input(i));
      const Graph graph = parse_onnx(bound(bytes, inputs), folder);
      std::vector<Tensor> arguments;
      for (const auto id : graph.inputs) arguments.push_back(by_name[graph.value(id).name]);
      for (const auto& argument : arguments)
        if (!argument.defined()) return "an input has no data";
      const auto outputs = evaluate(graph, arguments);
      if (wanted.empty() || outputs.size() < wanted.size())
        return fmt::format("{} outputs, {} wanted", outputs.size(), wanted.size());
      for (std::size_t i = 0; i < wanted.size(); ++i)
        if (const auto what = difference(outputs[i], as_declared(wanted[i], names.graph().output(static_cast<int>(i))));
            !what.empty())
          return fmt::format("output {} {}", i, what);
    }
  } catch (const Error& error) {
    return error.what();
  }
}

/// `name reason` a line.
std::map<std::string, std::string> read_ignored() {
  std::map<std::string, std::string> ignored;
  std::istringstream lines(read_file(HALFTONE_CONFORMANCE_IGNORE));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto blank = line.find(' ');
    if (blank == std::string::npos) ADD_FAILURE() << "ignore.txt gives no reason for " << line;
    if (!ignored.emplace(line.substr(0, blank), line.substr(std::min(blank + 1, line.size()))).second)
      ADD_FAILURE() << "ignore.txt names " << line.substr(0, blank) << " twice";
  }
  return ignored;
}

/// Runs the cases of one collection. `least` is how many must pass.
void run_collection(const std::string& collection, std::size_t least) {
  const fs::path root = fs::path(HALFTONE_CONFORMANCE_DATA) / collection;
  if (!fs::exists(root)) GTEST_SKIP() << "no ONNX test data at " << root << " (Debian package libonnx-testdata)";
  const auto ignored = read_ignored();
  std::set<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root)) folders.insert(entry.path());
  std::size_t passed = 0;
  std::size_t skipped = 0;
  for (const auto& folder : folders) {
    const auto name = collection + "/" + folder.filename().string();
    const auto what = failure_of(folder);
    const bool is_ignored = ignored.contains(name);
    passed += what.empty();
    skipped += is_ignored;
    if (what.empty() && is_ignored) ADD_FAILURE() << name << " passes but is ignored: " << ignored.at(name);
    if (!what.empty() && !is_ignored) ADD_FAILURE() << name << ": " << what;
  }
  for (const auto& [name, reason] : ignored)
    if (name.starts_with(collection + "/") && !fs::exists(fs::path(HALFTONE_CONFORMANCE_DATA) / name))
      ADD_FAILURE() << "ignore.txt names " << name << ", which is no case";
  std::cout << fmt::format("{}: {} of {} cases pass, {} ignored\n", collection, passed, folders.size(), skipped);
  testing::Test::RecordProperty("passed", static_cast<int>(passed));
  EXPECT_GE(passed, least);
}

TEST(Conformance, Node) { run_collection("node", 700); }
TEST(Conformance, Simple) { run_collection("simple", 7); }

}  // namespace
}  // namespace halftone
