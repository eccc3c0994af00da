#include <cstdio>

#include "apps/verb.h"
#include "base/error.h"
#include "graph/count.h"
#include "onnx/writer.h"
#include "zoo/zoo.h"

namespace halftone {
namespace {

struct ZooFlags {
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

void run(const ZooFlags& flags) {
  if (flags.list) return print_list();
  if (flags.name.empty()) fail(Code::invalid_argument, "zoo: which network? --list shows them");
  const Graph graph = make_zoo(flags.name, flags.seed);
  if (flags.output.empty())
    fail(Code::invalid_argument, "zoo: where to? for example: halftone zoo {0} -o {0}.onnx", flags.name);
  write_onnx(graph, flags.output);
  fmt::print("{}: {}, {} parameters, {:.2f} G multiply-adds an image, seed {}\n", flags.output, flags.name,
             parameters(graph), multiply_adds(graph) / 1e9, flags.seed);
}

}  // namespace

void add_zoo(CLI::App& app) {
  auto* verb = app.add_subcommand(
      "zoo", "Write a well-known network as an ONNX file, in its published layout with seeded weights");
  verb->footer(
      "The weights are random, so the network classifies nothing: it is for studying speed without a download.\n"
      "Example: halftone zoo resnet50 -o resnet50.onnx");
  auto flags = std::make_shared<ZooFlags>();
  verb->add_option("NAME", flags->name, "The network; --list shows them");
  verb->add_option("-o,--output", flags->output, "The file to write");
  verb->add_option("--seed", flags->seed, "Another seed gives other weights")->capture_default_str();
  verb->add_flag("--list", flags->list, "List the networks with their sizes and go");
  verb->callback([flags] { run(*flags); });
}

}  // namespace halftone
