#include "engine/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "cpu/cpu_backend.h"
#include "engine/session.h"
#include "graph/text.h"
#include "zoo/zoo.h"

namespace halftone {
namespace {

constexpr const char* kResidual = R"(graph residual
input x f32:2x3x12x12
const w1 f32:16x3x3x3 random(1)
const b1 f32:16 random(2)
const w2 f32:16x16x3x3 random(3)
const w3 f32:10x16 random(4)
const b3 f32:10 random(5)
a = Conv(x, w1, b1) pads=1*4 strides=2*2
r = Relu(a)
c = Conv(r, w2) pads=1*4
s = Add(c, r)
t = Relu(s)
g = GlobalAveragePool(t)
f = Flatten(g) axis=1
y = Gemm(f, w3, b3) transB=1
output y
output t
)";

Tensor random_tensor(const TensorType& type, unsigned seed) {
  Tensor tensor(type);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (auto& value : tensor.data<float>()) value = uniform(random);
  return tensor;
}

BuildOptions quick() {
  BuildOptions options;
  options.batches = {2};
  options.tune = false;
  options.cache.clear();
  options.threads = 2;
  return options;
}

void expect_close(const Tensor& got, const Tensor& expected, double relative) {
  ASSERT_EQ(got.type(), expected.type());
  double largest = 0;
  for (const float value : expected.data<float>()) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (std::int64_t i = 0; i < got.count(); ++i)
    ASSERT_NEAR(got.data<float>()[static_cast<std::size_t>(i)], expected.data<float>()[static_cast<std::size_t>(i)],
                relative * largest)
        << i;
}

TEST(Engine, ComputesWhatTheReferencesDo) {
  const Graph graph = parse_graph(kResidual);
  const auto input = random_tensor(graph.value(graph.inputs[0]).type, 9);
  const auto expected = evaluate(graph, std::span<const Tensor>(&input, 1));
  for (const bool tune : {false, true}) {
    auto options = quick();
    options.tune = tune;
    Session session(build(graph, make_cpu_backend(), options));
    const auto outputs = session.run(std::span<const Tensor>(&input, 1));
    ASSERT_EQ(outputs.size(), 2u);
    expect_close(outputs[0], expected[0], 1e-5);
    expect_close(outputs[1], expected[1], 1e-5);
  }
}

TEST(Engine, RunsAgainBitForBit) {
  const Graph graph = parse_graph(kResidual);
  const auto input = random_tensor(graph.value(graph.inputs[0]).type, 9);
  Session session(build(graph, make_cpu_backend(), quick()));
  const Tensor first = session.run(std::span<const Tensor>(&input, 1))[0].clone();
  for (int i = 0; i < 5; ++i) {
    const auto again = session.run(std::span<const Tensor>(&input, 1));
    EXPECT_EQ(std::memcmp(first.raw(), again[0].raw(), first.bytes()), 0);
  }
}

TEST(Engine, SessionsShareAnEngineAcrossThreads) {
  const Graph graph = parse_graph(kResidual);
  const auto input = random_tensor(graph.value(graph.inputs[0]).type, 9);
  auto options = quick();
  options.threads = 1;
  const auto engine = build(graph, make_cpu_backend(), options);
  Session alone(engine);
  const Tensor expected = alone.run(std::span<const Tensor>(&input, 1))[0].clone();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      Session session(engine);
      for (int i = 0; i < 20; ++i) {
        const auto outputs = session.run(std::span<const Tensor>(&input, 1));
        wrong[t] += std::memcmp(outputs[0].raw(), expected.raw(), expected.bytes()) != 0;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Engine, BuildsAtOnceShareABackendAndACache) {
  const auto folder = std::filesystem::path(testing::TempDir()) / fmt::format("halftone_builds_at_once{}", ::getpid());
  std::filesystem::remove_all(folder);
  const Graph graph = parse_graph(kResidual);
  const auto input = random_tensor(graph.value(graph.inputs[0]).type, 9);
  const auto expected = evaluate(graph, std::span<const Tensor>(&input, 1));
  const auto backend = make_cpu_backend();
  std::vector<std::thread> threads;
  std::vector<Tensor> got(3);
  for (auto& output : got)
    threads.emplace_back([&] {
      auto options = quick();
      options.threads = 1;
      options.tune = true;
      options.cache = folder / "tactics.json";
      Session session(build(graph, backend, options));
      output = session.run(std::span<const Tensor>(&input, 1))[0].clone();
    });
  for (auto& thread : threads) thread.join();
  for (const auto& output : got) expect_close(output, expected[0], 1e-4);
  EXPECT_GT(TacticCache::load(folder / "tactics.json").size(), 0u);
  std::filesystem::remove_all(folder);
}

TEST(Engine, ASecondBuildFromThePlanChoosesTheSame) {
  Graph graph = parse_graph(kResidual);
  auto options = quick();
  options.tune = true;
  const auto backend = make_cpu_backend();
  const auto first = build(graph, backend, options);
  graph.metadata[tactic_metadata_key(backend->info())] = first->tactics().serialize(backend->info().key);
  const auto second = build(graph, backend, options);
  const auto& a = first->program(2).steps;
  const auto& b = second->program(2).steps;
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].tactic.kernel, b[i].tactic.kernel);
    EXPECT_EQ(a[i].tactic.config, b[i].tactic.config);
    if (a[i].tactic.source == "measured") {
      EXPECT_EQ(b[i].tactic.source, "plan");
    }
  }
}

TEST(Engine, ProgramsOfSeveralBatchesShareTheirWeights) {
  const Graph graph = parse_graph(kResidual);
  auto options = quick();
  const auto one = build(graph, make_cpu_backend(), options);
  options.batches = {1, 2};
  const auto two = build(graph, make_cpu_backend(), options);
  EXPECT_EQ(two->batches(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_LE(two->weight_bytes(), one->weight_bytes() * 2);
  EXPECT_THROW((void)two->program(3), Error);
}

TEST(Engine, SaysWhatIsWrongWithAnInput) {
  const Graph graph = parse_graph(kResidual);
  Session session(build(graph, make_cpu_backend(), quick()));
  const auto message = [&](const std::vector<Tensor>& inputs) -> std::string {
    try {
      session.run(inputs);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({Tensor(DType::f32, Shape{2, 3, 12, 13})}),
            "input 'x' is f32:2x3x12x13, the model wants f32:2x3x12x12");
  EXPECT_EQ(message({Tensor(DType::f64, Shape{2, 3, 12, 12})}),
            "input 'x' is f64:2x3x12x12, the model wants f32:2x3x12x12");
  EXPECT_EQ(message({}), "the model has 1 inputs, 0 given");
  EXPECT_EQ(message({Tensor()}), "input 'x' is absent, the model wants f32:2x3x12x12");
}

TEST(Engine, KernelsOffAreNamedInTheErrorWhenNothingIsLeft) {
  const Graph graph = parse_graph("graph g\ninput x f32:2x4\ny = Relu(x)\noutput y\n");
  auto options = quick();
  const auto backend = make_cpu_backend();
  for (const auto& kernel : backend->kernels()) options.kernels_off.insert(std::string(kernel.name));
  try {
    build(graph, backend, options);
    FAIL() << "built without kernels";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
    EXPECT_NE(std::string(error.what()).find("switched off"), std::string::npos) << error.what();
  }
}

TEST(Engine, OutputsThatAreInputsOrConstantsAreCopied) {
  const Graph graph = parse_graph(
      "graph g\ninput x f32:2x4\nconst c f32:2 [1 2]\ny = Relu(x)\noutput y\noutput x\noutput c\noutput y\n");
  Session session(build(graph, make_cpu_backend(), quick()));
  const auto input = random_tensor({DType::f32, Shape{2, 4}}, 1);
  const auto outputs = session.run(std::span<const Tensor>(&input, 1));
  EXPECT_EQ(std::memcmp(outputs[1].raw(), input.raw(), input.bytes()), 0);
  EXPECT_EQ(outputs[2].data<float>()[1], 2.0f);
  EXPECT_EQ(std::memcmp(outputs[3].raw(), outputs[0].raw(), input.bytes()), 0);
}

TEST(Engine, AFirstOutputMayBeLeftOut) {
  const Graph graph = parse_graph(
      "graph g\ninput x f32:2x3x6x6\n_, j = MaxPool(x) kernel_shape=2*2 strides=2*2\n"
      "_, b, _ = Split(x) axis=1\noutput j\noutput b\n");
  const auto input = random_tensor({DType::f32, Shape{2, 3, 6, 6}}, 1);
  const std::span<const Tensor> inputs(&input, 1);
  const auto expected = evaluate(graph, inputs);
  for (const bool tune : {false, true}) {
    auto options = quick();
    options.tune = tune;
    Session session(build(graph, make_cpu_backend(), options));
    const auto outputs = session.run(inputs);
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_EQ(std::memcmp(outputs[i].raw(), expected[i].raw(), expected[i].bytes()), 0) << i;
  }
  EXPECT_EQ(expected[0].data<std::int64_t>().size(), 2u * 3 * 3 * 3);
}

}  // namespace
}  // namespace halftone
