#include <gtest/gtest.h>

#include "cuda/cuda_backend.h"
#include "engine/session.h"
#include "tests/unit/quant/residual_network.h"

// Plans of 8 and 16 bits on a real card. Skipped, by name, where there is none.
namespace halftone {
namespace {

std::vector<float> answers(const Graph& graph, const std::shared_ptr<Backend>& backend, const Tensor& batch,
                           const std::string& trace) {
  BuildOptions options;
  options.batches = {batch.shape()[0]};
  options.tune = false;
  options.kernels_off = {"cudnn.conv"};  // compiling its engines takes most of the time
  options.cache.clear();
  const auto engine = build(graph, backend, options);
  for (const auto& step : engine->program(options.batches[0]).steps) {
    if (step.problem.op != "FusedConv" || step.problem.input(0).dtype == DType::f32) continue;
    if (step.node == "c0" && !backend->has("sm_90")) continue;  // only Hopper's first layers change their width
    EXPECT_NE(step.tactic.kernel, "cuda.direct") << trace << step.problem.text();
    EXPECT_NE(step.tactic.kernel, "reference") << trace << step.problem.text();
  }
  Session session(engine);
  const auto result = session.run(std::span<const Tensor>(&batch, 1));
  const auto data = std::as_const(result[0]).data<float>();
  return {data.begin(), data.end()};
}

TEST(cuda_mixed_plans, every_mix_runs_on_tensor_cores_and_answers_as_fp32_does) {
  const auto backend = cuda_devices().empty() ? nullptr : make_cuda_backend(0);
  if (!backend) GTEST_SKIP() << "no CUDA device here";
  if (!backend->has("bf16")) GTEST_SKIP() << "no products of bf16 here";
  const Tensor batch = tests::batch_of(tests::random_pictures(16, 32, 5), tests::gray(32));
  for (const bool fp8 : {false, true}) {
    if (fp8 && !backend->has("fp8")) continue;
    const auto model = tests::calibrated_network(backend, fp8);
    const auto exact = answers(mixed_graph(model, {}), backend, batch, "");
    for (const unsigned which : {0U, 127U, 1U, 126U, 42U, 85U, 51U, 76U, 18U, 109U}) {
      const auto trace = fmt::format("fp8 {} mix {:b}: ", fp8, which);
      const auto got = answers(tests::mix_of(model, which, Precision::bf16), backend, batch, trace);
      EXPECT_GT(tests::snr(got, exact), 20) << trace;
    }
  }
}

}  // namespace
}  // namespace halftone
