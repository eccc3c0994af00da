#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "engine/engine.h"
#include "graph/text.h"
#include "tests/unit/engine/rows_backend.h"

namespace halftone {
namespace {

/// The CPU with a library's row in front: its list for a Relu depends on the batch size, and its first choice is not
/// its best.
class Listing : public tests::RowsBackend {
 public:
  Listing() {
    add_relu(
        "library",
        [](const Problem& problem, const Backend&) {
          const bool eight = problem.inputs[0].type.shape[0] == 8;
          return eight ? std::vector<std::string>{"slow", "quick", "eight"} : std::vector<std::string>{"slow", "quick"};
        },
        [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
          return std::make_unique<tests::PlainRelu>(context);
        });
    add_the_cpus();
  }
};

TEST(Build, TakesTheNextBestOfANearbyBatchWhereItsWinnerIsNotOffered) {
  const auto backend = std::make_shared<Listing>();
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("halftone-next-best-{}", ::getpid());
  BuildOptions options;
  options.tune = false;
  options.threads = 1;
  options.batches = {4};
  options.cache = folder / "tactics.json";
  TacticCache known;
  known.put(backend->info().key, 1, "Relu f32:8x10",
            {"library",
             "eight",
             1e-6,
             "measured",
             {{"library", "slow", 3e-6, ""}, {"library", "eight", 1e-6, ""}, {"library", "quick", 2e-6, ""}}});
  std::filesystem::create_directories(folder);
  known.save(options.cache);
  const Graph graph = parse_graph("graph one\ninput x f32:1x10\ny = Relu(x)\noutput y\n");
  const auto tactic_at = [&](std::int64_t batch) {
    options.batches = {batch};
    return build(graph, backend, options)->program(batch).steps.at(0).tactic;
  };
  EXPECT_EQ(tactic_at(8).config, "eight");
  EXPECT_EQ(tactic_at(4).config, "quick");
  EXPECT_EQ(tactic_at(4).source, "nearby");
  options.cache.clear();
  EXPECT_EQ(tactic_at(4).config, "slow") << "untuned, the library's first choice";
  std::filesystem::remove_all(folder);
}

/// Its first two choices turn out not to be had.
class Promising : public tests::RowsBackend {
 public:
  Promising() {
    add_relu(
        "library",
        [](const Problem&, const Backend&) {
          return std::vector<std::string>{"huge", "missing", "plain"};
        },
        [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
          if (context.config != "plain") fail(Code::unsupported, "{} is not to be had", context.config);
          return std::make_unique<tests::PlainRelu>(context);
        });
    add_the_cpus();
  }
};

TEST(Build, TriesALibrarysOtherChoicesBeforeOtherKernels) {
  BuildOptions options;
  options.tune = false;
  options.threads = 1;
  const Graph graph = parse_graph("graph one\ninput x f32:1x10\ny = Relu(x)\noutput y\n");
  const auto engine = build(graph, std::make_shared<Promising>(), options);
  const auto& tactic = engine->program(1).steps.at(0).tactic;
  EXPECT_EQ(tactic.kernel, "library");
  EXPECT_EQ(tactic.config, "plain");
  ASSERT_GE(tactic.candidates.size(), 3U);
  EXPECT_EQ(tactic.candidates[0].refusal, "huge is not to be had");
  EXPECT_EQ(tactic.candidates[1].refusal, "missing is not to be had");
}

}  // namespace
}  // namespace halftone
