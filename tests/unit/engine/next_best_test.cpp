#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "cpu/cpu_backend.h"
#include "engine/engine.h"
#include "graph/text.h"

namespace halftone {
namespace {

/// The CPU with a library's row in front: its list for a Relu depends on the batch size, and its first choice is not
/// its best.
class Listing : public Backend {
 public:
  Listing() : cpu_(make_cpu_backend()) {
    rows_.push_back({"library",
                     [](const Problem& problem, const Backend&) {
                       return problem.op == "Relu" ? Support::yes() : Support::no("not a Relu");
                     },
                     [](const Problem& problem, const Backend&) {
                       const bool eight = problem.inputs[0].type.shape[0] == 8;
                       return eight ? std::vector<std::string>{"slow", "quick", "eight"}
                                    : std::vector<std::string>{"slow", "quick"};
                     },
                     [](const PrepareContext& context) -> std::unique_ptr<Prepared> {
                       return std::make_unique<Relu>(context.problem.outputs[0].shape.count());
                     }});
    rows_.insert(rows_.end(), cpu_->kernels().begin(), cpu_->kernels().end());
  }
  const DeviceInfo& info() const override { return cpu_->info(); }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  std::unique_ptr<Stream> new_stream() override { return cpu_->new_stream(); }
  void copy(void* to, const void* from, std::size_t bytes, Stream& stream) override {
    cpu_->copy(to, from, bytes, stream);
  }
  std::span<const Kernel> kernels() const override { return rows_; }
  double seconds(Stream& stream, const std::function<void()>& work) override { return cpu_->seconds(stream, work); }
  void use_threads(int threads) override { cpu_->use_threads(threads); }
  const Peaks& peaks(int threads) override { return cpu_->peaks(threads); }

 private:
  struct Relu : Prepared {
    explicit Relu(std::int64_t values) : count(values) {}
    void run(const RunArgs& args) const override {
      const auto* x = static_cast<const float*>(args.inputs[0]);
      auto* y = static_cast<float*>(args.outputs[0]);
      for (std::int64_t i = 0; i < count; ++i) y[i] = std::max(x[i], 0.f);
    }
    std::int64_t count;
  };

  std::shared_ptr<Backend> cpu_;
  std::vector<Kernel> rows_;
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

}  // namespace
}  // namespace halftone
