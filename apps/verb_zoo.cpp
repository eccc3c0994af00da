#include <cstdio>

#include "apps/verb.h"
#include "base/error.h"
#include "graph/count.h"
#include "onnx/writer.h"
#include "zoo/zoo.h"

namespace halftone {
namespace {

struct Options {
  std::string name;
  std::string output;
  std::uint64_t seed = 1;
  bool list = false;
};

void print_list() {
  fmt::print("{:<15}{:>14}{:>16}  {}\n", "name", "parameters", "multiply-adds", "layout");
  for (const auto& entry : zoo_entries())
    fmt::print("{:<15}{:>14}{:>14.2f} G  {}\n", entry.name, entry.parameters, entry.giga_multiply_adds, entry.layout);
}

void run(const Options& options) {
  if (options.list) return print_list();
  if (options.name.empty()) fail(Code::invalid_argument, "zoo: which network? --list shows them");
  const Graph graph = make_zoo(options.name, options.seed);
  if (options.output.empty())
    fail(Code::invalid_argument, "zoo: where to? for example: halftone zoo {0} -o {0}.onnx", options.name);
  write_onnx(graph, options.output);
  fmt::print("{}: {}, {} parameters, {:.2f} G multiply-adds an image, seed {}\n", options.output, options.name,
             parameters(graph), multiply_adds(graph) / 1e9, options.seed);
}

}  // namespace

void add_zoo(CLI::App& app) {
  auto* verb = app.add_subcommand(
      "zoo", "Write a well-known network as an ONNX file, in its published layout with seeded weights");
  verb->footer(
      "The weights are random, so the network classifies nothing: it is for studying speed without a download.\n"
      "Example: halftone zoo resnet50 -o resnet50.onnx");
  auto options = std::make_shared<Options>();
  verb->add_option("NAME", options->name, "The network; --list shows them");
  verb->add_option("-o,--output", options->output, "The file to write");
  verb->add_option("--seed", options->seed, "Another seed gives other weights")->capture_default_str();
  verb->add_flag("--list", options->list, "List the networks with their sizes and go");
  verb->callback([options] { run(*options); });
}

}  // namespace halftone
