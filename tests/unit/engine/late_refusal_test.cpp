#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "cpu/cpu_backend.h"
#include "engine/engine.h"
#include "graph/text.h"
#include "tests/unit/engine/rows_backend.h"

namespace halftone {
namespace {

/// The CPU with one more row in front: it takes every Relu, and finds at `prepare` that it cannot.
class Fickle : public tests::RowsBackend {
 public:
  Fickle() {
    add_relu("fickle", one_config, [](const PrepareContext&) -> std::unique_ptr<Prepared> {
      fail(Code::unsupported, "these constants do not suit");
    });
    add_the_cpus();
  }
};

BuildOptions untuned() {
  BuildOptions options;
  options.tune = false;
  options.cache.clear();
  return options;
}

TEST(Build, TakesTheNextKernelWhenOneRefusesAtPrepare) {
  const Graph graph = parse_graph("graph one\ninput x f32:1x8\ny = Relu(x)\noutput y\n");
  const auto engine = build(graph, std::make_shared<Fickle>(), untuned());
  const auto& tactic = engine->program(1).steps.at(0).tactic;
  EXPECT_NE(tactic.kernel, "fickle");
  const auto refused = std::find_if(tactic.candidates.begin(), tactic.candidates.end(),
                                    [](const Candidate& candidate) { return candidate.kernel == "fickle"; });
  ASSERT_NE(refused, tactic.candidates.end());
  EXPECT_EQ(refused->refusal, "these constants do not suit");
}

TEST(Build, SaysWhyWhenTheLastKernelRefusesAtPrepare) {
  const Graph graph = parse_graph("graph one\ninput x f32:1x8\ny = Relu(x)\noutput y\n");
  auto options = untuned();
  const auto cpu = make_cpu_backend();
  for (const auto& kernel : cpu->kernels()) options.kernels_off.insert(std::string(kernel.name));
  try {
    build(graph, std::make_shared<Fickle>(), options);
    FAIL() << "built";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
    EXPECT_NE(std::string(error.what()).find("Relu"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace halftone
