#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "cpu/cpu_backend.h"
#include "engine/engine.h"
#include "graph/text.h"

namespace halftone {
namespace {

/// The CPU with one more row in front: it takes every Relu, and finds at `prepare` that it cannot.
class Fickle : public Backend {
 public:
  Fickle() : cpu_(make_cpu_backend()) {
    rows_.push_back({"fickle",
                     [](const Problem& problem, const Backend&) {
                       return problem.op == "Relu" ? Support::yes() : Support::no("not a Relu");
                     },
                     [](const Problem&, const Backend&) { return std::vector<std::string>{""}; },
                     [](const PrepareContext&) -> std::unique_ptr<Prepared> {
                       fail(Code::unsupported, "these constants do not suit");
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
  std::shared_ptr<Backend> cpu_;
  std::vector<Kernel> rows_;
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
