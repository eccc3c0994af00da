#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "cpu/cpu_backend.h"
#include "engine/measure.h"
#include "engine/tuner.h"
#include "graph/text.h"

// What a device with memory of its own may do to an engine: run out, fail for good, be interrupted. The device is the
// CPU behind a counter of bytes and a switch that breaks it.
namespace halftone {
namespace {

class Card : public Backend {
 public:
  struct State {
    std::size_t limit = std::size_t{1} << 40, used = 0;
    bool broken = false;
    void expect_alive() const {
      if (broken) fail(Code::device, "card failed: an illegal address; this process cannot use it any more");
    }
  };

  /// With `row`, which takes every Relu, in front of the CPU's own.
  explicit Card(std::unique_ptr<Prepared> (*row)(const PrepareContext&) = nullptr)
      : cpu_(make_cpu_backend()), state_(std::make_shared<State>()), info_(cpu_->info()) {
    info_.id = "card";
    info_.memory_bytes = 0;
    if (row)
      rows_.push_back({"faulty",
                       [](const Problem& problem, const Backend&) {
                         return problem.op == "Relu" ? Support::yes() : Support::no("not a Relu");
                       },
                       [](const Problem&, const Backend&) { return std::vector<std::string>{"one"}; }, row});
    rows_.insert(rows_.end(), cpu_->kernels().begin(), cpu_->kernels().end());
  }
  State& state() const { return *state_; }

  const DeviceInfo& info() const override { return info_; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override {
    state_->expect_alive();
    if (state_->used + bytes > state_->limit)
      fail(Code::resource_exhausted, "card is out of memory: {} bytes were asked for, {} are free", bytes,
           state_->limit - state_->used);
    return std::make_shared<Memory>(cpu_->allocate(bytes), state_);
  }
  std::unique_ptr<Stream> new_stream() override { return std::make_unique<Queue>(state_); }
  bool host_memory() const override { return false; }
  void copy(void* to, const void* from, std::size_t bytes, Stream&) override {
    state_->expect_alive();
    std::memcpy(to, from, bytes);
  }
  std::span<const Kernel> kernels() const override { return rows_; }
  double seconds(Stream& stream, const std::function<void()>& work) override { return cpu_->seconds(stream, work); }
  void use_threads(int threads) override { cpu_->use_threads(threads); }
  const Peaks& peaks(int threads) override { return cpu_->peaks(threads); }
  bool lost() override { return state_->broken; }

 private:
  struct Memory : Buffer {
    Memory(std::shared_ptr<Buffer> host, std::shared_ptr<State> of)
        : Buffer(host->data(), host->bytes(), false), memory(std::move(host)), state(std::move(of)) {
      state->used += bytes();
    }
    ~Memory() override { state->used -= bytes(); }
    std::shared_ptr<Buffer> memory;
    std::shared_ptr<State> state;
  };
  struct Queue : Stream {
    explicit Queue(std::shared_ptr<State> of) : state(std::move(of)) {}
    void synchronize() override { state->expect_alive(); }
    std::shared_ptr<State> state;
  };

  std::shared_ptr<Backend> cpu_;
  std::shared_ptr<State> state_;
  DeviceInfo info_;
  std::vector<Kernel> rows_;
};

/// A kernel that throws in its run.
template <typename Throw>
struct Faulty : Prepared {
  explicit Faulty(const PrepareContext& context) : card(static_cast<Card&>(context.backend)) {}
  void run(const RunArgs&) const override { Throw{}(card.state()); }
  Card& card;
};
template <typename Throw>
std::unique_ptr<Prepared> faulty(const PrepareContext& context) {
  return std::make_unique<Faulty<Throw>>(context);
}
struct Break {
  void operator()(Card::State& state) const {
    state.broken = true;
    state.expect_alive();
  }
};
struct Refuse {
  void operator()(Card::State&) const { fail(Code::device, "card refused a launch"); }
};
struct Cancel {
  void operator()(Card::State&) const { fail(Code::cancelled, "interrupted"); }
};
struct Exhaust {
  void operator()(Card::State&) const { fail(Code::resource_exhausted, "card is out of memory"); }
};

constexpr const char* kNet = "graph net\ninput x f32:1x1000\nh = Exp(x)\ny = Relu(h)\nz = Sqrt(y)\noutput z\n";

BuildOptions options_for(std::int64_t batch, bool tune) {
  BuildOptions options;
  options.batches = {batch};
  options.tune = tune;
  options.threads = 1;
  options.cache.clear();
  return options;
}

/// The error of `work`.
Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {Code::io, ""};
}

void expect_right(const std::shared_ptr<const Engine>& engine, std::int64_t batch) {
  Session session(engine);
  const auto inputs = random_inputs(engine->program(batch));
  const auto z = session.run(inputs)[0].clone();
  for (std::int64_t i = 0; i < z.shape().count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    ASSERT_NEAR(z.data<float>()[at], std::sqrt(std::exp(inputs[0].data<float>()[at])), 1e-4f);
  }
}

TEST(BadDays, OutOfMemorySaysSoLeaksNothingAndASmallerBatchWorks) {
  const auto card = std::make_shared<Card>();
  const Graph graph = parse_graph(kNet);
  card->state().limit = 1 << 20;
  for (const bool tune : {true, false}) {
    const auto error = error_of([&] {
      Session session(build(graph, card, options_for(500, tune)));  // each tensor takes 2 MB
      session.run(random_inputs(session.engine().program(500)));
    });
    EXPECT_EQ(error.code(), Code::resource_exhausted) << error.what();
    EXPECT_NE(std::string(error.what()).find("were asked for"), std::string::npos) << error.what();
    EXPECT_EQ(card->state().used, 0u);
    expect_right(build(graph, card, options_for(2, tune)), 2);
    EXPECT_EQ(card->state().used, 0u) << "an engine that is gone holds memory";
  }
}

TEST(BadDays, MemoryThatNoTacticGetsIsNotCalledUnsupported) {
  const auto card = std::make_shared<Card>(faulty<Exhaust>);
  const auto problem = Problem::parse("Relu f32:3x4");
  std::set<std::string> others;
  for (const auto& kernel : card->kernels())
    if (kernel.name != "faulty") others.emplace(kernel.name);
  Tuner tuner(*card, 1);
  EXPECT_EQ(error_of([&] { tuner.choose(problem, others); }).code(), Code::resource_exhausted);
}

TEST(BadDays, ADeviceThatIsGoneEndsTheTuning) {
  const auto card = std::make_shared<Card>(faulty<Break>);
  const auto error = error_of([&] { build(parse_graph(kNet), card, options_for(1, true)); });
  EXPECT_EQ(error.code(), Code::device) << error.what();
  for (const auto* word : {"node 'y'", "faulty one", "card failed"})
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  EXPECT_EQ(card->state().used, 0u);
  expect_right(build(parse_graph(kNet), make_cpu_backend(), options_for(1, true)), 1);
}

TEST(BadDays, ALaunchThatFailsIsOneTacticLess) {
  const auto card = std::make_shared<Card>(faulty<Refuse>);
  const auto engine = build(parse_graph(kNet), card, options_for(1, true));
  for (const auto& step : engine->program(1).steps) EXPECT_NE(step.tactic.kernel, "faulty");
  expect_right(engine, 1);
}

TEST(BadDays, ADeviceLostBetweenRunsFailsEveryRunAfter) {
  const auto card = std::make_shared<Card>();
  auto engine = build(parse_graph(kNet), card, options_for(1, false));
  {
    Session session(engine);
    const auto inputs = random_inputs(engine->program(1));
    session.run(inputs);
    card->state().broken = true;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of([&] { session.run(inputs); }).code(), Code::device);
  }
  engine.reset();
  EXPECT_EQ(card->state().used, 0u);
}

TEST(BadDays, OneLostDeviceOfSeveralEndsTheMeasurement) {
  const std::vector<std::shared_ptr<Card>> cards{std::make_shared<Card>(), std::make_shared<Card>()};
  std::vector<std::shared_ptr<const Engine>> engines;
  for (const auto& card : cards) engines.push_back(build(parse_graph(kNet), card, options_for(1, false)));
  SessionTeam team(engines, 1);
  const auto runs = random_runs(team, 1);
  std::vector<double> milliseconds;
  runs(2, milliseconds);
  cards[1]->state().broken = true;
  EXPECT_EQ(error_of([&] { runs(2, milliseconds); }).code(), Code::device);
  EXPECT_EQ(error_of([&] { host_to_host_rate(engines, 1, 1, 0.01); }).code(), Code::device);
}

TEST(BadDays, AnInterruptionWithinATacticIsOneAndWhatWasMeasuredIsKept) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("halftone-bad-days-{}", ::getpid());
  auto options = options_for(1, true);
  options.cache = folder / "tactics.json";
  const auto card = std::make_shared<Card>(faulty<Cancel>);
  const auto error = error_of([&] { build(parse_graph(kNet), card, options); });
  EXPECT_EQ(error.code(), Code::cancelled) << error.what();
  const auto kept = TacticCache::load(options.cache);
  EXPECT_NE(kept.find(card->info().key, 1, "Exp f32:1x1000"), nullptr);
  EXPECT_EQ(kept.find(card->info().key, 1, "Relu f32:1x1000"), nullptr);
  EXPECT_EQ(card->state().used, 0u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace halftone
