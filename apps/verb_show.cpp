#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/verb.h"
#include "base/progress.h"
#include "graph/count.h"
#include "graph/symbolic.h"
#include "graph/text.h"
#include "onnx/reader.h"

namespace halftone {
namespace {

struct ShowFlags {
  std::string model;
  std::int64_t batch = 0;
  bool json = false;
  bool text = false;
};

/// 25557032 as "25,557,032".
std::string grouped(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

/// "f32 [N,3,224,224]", symbolic extents by name.
std::string type_text(const Value& value, const std::vector<std::string>& dim_names) {
  std::vector<std::string> dims;
  for (std::size_t axis = 0; axis < value.type.shape.rank(); ++axis) {
    const bool symbolic = !dim_names.empty() && !dim_names[axis].empty();
    dims.push_back(symbolic ? dim_names[axis] : fmt::format("{}", value.type.shape[axis]));
  }
  return fmt::format("{} [{}]", name(value.type.dtype), fmt::join(dims, ","));
}

struct Line {
  std::string name, op, output;
  std::int64_t parameters;
  double multiply_adds;
};

std::vector<Line> lines_of(const Graph& graph) {
  std::vector<Line> lines;
  for (const auto& node : graph.nodes) {
    std::string outputs;
    for (const auto id : node.outputs)
      if (id != kNoValue) outputs += (outputs.empty() ? "" : " ") + graph.value(id).type.text();
    lines.push_back({node.name, node.op, outputs, parameters(graph, node), multiply_adds(problem_of(graph, node))});
  }
  return lines;
}

/// Keeps both ends of a text that is too long, as names differ in both.
std::string cut(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text;
  const std::size_t tail = (width - 2) / 2;
  return text.substr(0, width - 2 - tail) + ".." + text.substr(text.size() - tail);
}

void print_table(const std::vector<Line>& lines) {
  std::size_t name_width = 4, op_width = 2, output_width = 6;
  for (const auto& line : lines) {
    name_width = std::max(name_width, line.name.size());
    op_width = std::max(op_width, line.op.size());
    output_width = std::max(output_width, line.output.size());
  }
  output_width = std::min<std::size_t>(output_width, 40);
  constexpr std::size_t kNumbers = 2 + 12 + 10;
  const std::size_t rest = 2 + op_width + 2 + output_width + kNumbers;
  if (const auto width = static_cast<std::size_t>(terminal_width(stdout)))
    name_width = std::min(name_width, std::max<std::size_t>(16, width - std::min(width, rest)));
  fmt::print("{:<{}}  {:<{}}  {:<{}}{:>14}{:>10}\n", "node", name_width, "op", op_width, "output", output_width,
             "parameters", "MMACs");
  for (const auto& line : lines)
    fmt::print("{:<{}}  {:<{}}  {:<{}}{:>14}{:>10}\n", cut(line.name, name_width), name_width, line.op, op_width,
               cut(line.output, output_width), output_width, line.parameters ? grouped(line.parameters) : "",
               line.multiply_adds > 0 ? fmt::format("{:.2f}", line.multiply_adds / 1e6) : "");
}

void print_summary(const OnnxModel& model, const ShowFlags& flags) {
  const Graph& graph = model.graph;
  fmt::print("{}\n", flags.model);
  for (const auto id : graph.inputs)
    fmt::print("  {:<15}{}  {}\n", "input", graph.value(id).name,
               type_text(graph.value(id), graph.value(id).dim_names));
  const auto output_dims = output_dim_names(graph);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const Value& output = graph.value(graph.outputs[i]);
    fmt::print("  {:<15}{}  {}\n", "output", output.name, type_text(output, output_dims[i]));
  }
  fmt::print("  {:<15}{}\n", "nodes", graph.nodes.size());
  fmt::print("  {:<15}{}\n", "parameters", grouped(parameters(graph)));
  fmt::print("  {:<15}{:.3f} G at batch {}\n", "multiply-adds", multiply_adds(graph) / 1e9,
             std::max<std::int64_t>(flags.batch, 1));
  fmt::print("  {:<15}{}\n", "opset", model.opset);
  if (!model.producer.empty()) fmt::print("  {:<15}{}\n", "producer", model.producer);
  for (const auto& warning : model.warnings) fmt::print("  {:<15}{}\n", "warning", warning);
  fmt::print("\n");
}

nlohmann::json value_json(const Value& value, const std::vector<std::string>& dim_names) {
  return {{"name", value.name},
          {"type", name(value.type.dtype)},
          {"shape", value.type.shape.dims()},
          {"symbolic", dim_names}};
}

void print_json(const OnnxModel& model, const ShowFlags& flags) {
  const Graph& graph = model.graph;
  nlohmann::json inputs = nlohmann::json::array(), outputs = inputs, nodes = inputs;
  for (const auto id : graph.inputs) inputs.push_back(value_json(graph.value(id), graph.value(id).dim_names));
  const auto output_dims = output_dim_names(graph);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    outputs.push_back(value_json(graph.value(graph.outputs[i]), output_dims[i]));
  const auto lines = lines_of(graph);
  for (std::size_t i = 0; i < lines.size(); ++i)
    nodes.push_back({{"name", lines[i].name},
                     {"op", lines[i].op},
                     {"problem", problem_of(graph, graph.nodes[i]).text()},
                     {"output", lines[i].output},
                     {"parameters", lines[i].parameters},
                     {"multiply_adds", lines[i].multiply_adds}});
  const nlohmann::json result{{"model", flags.model},
                              {"opset", model.opset},
                              {"ir_version", model.ir_version},
                              {"producer", model.producer},
                              {"metadata", graph.metadata},
                              {"warnings", model.warnings},
                              {"inputs", inputs},
                              {"outputs", outputs},
                              {"parameters", parameters(graph)},
                              {"multiply_adds", multiply_adds(graph)},
                              {"nodes", nodes}};
  // Names in a file may be no UTF-8; what is not becomes the replacement character.
  fmt::print("{}\n", result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void run(const ShowFlags& flags) {
  OnnxModel model = read_onnx_model(flags.model);
  if (flags.batch > 0) set_batch(model.graph, flags.batch);
  if (flags.json) return print_json(model, flags);
  if (flags.text) {
    fmt::print("{}", print(model.graph));
    return;
  }
  print_summary(model, flags);
  print_table(lines_of(model.graph));
}

}  // namespace

void add_show(CLI::App& app) {
  auto* verb =
      app.add_subcommand("show", "What a model is: inputs, outputs, and each node's shape, parameters and work");
  verb->footer(
      "A multiply-add is one weight times one input; MMACs are millions of them. Symbolic extents such as N count as "
      "1\n"
      "unless --batch says otherwise.\n"
      "Example: halftone show resnet50.onnx --batch 8");
  auto flags = std::make_shared<ShowFlags>();
  verb->add_option("MODEL", flags->model, "An ONNX file")->required();
  verb->add_option("--batch", flags->batch, "Show shapes and work at this batch size")->check(CLI::Range(1, 1 << 20));
  auto* json = verb->add_flag("--json", flags->json, "Print JSON");
  verb->add_flag("--text", flags->text, "Print the graph in the text form that passes are tested with")->excludes(json);
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
