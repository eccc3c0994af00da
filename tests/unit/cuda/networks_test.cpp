#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "cuda/cuda_device.h"
#include "graph/op.h"
#include "passes/pass.h"
#include "quant/float8_plan.h"
#include "quant/product.h"
#include "quant/quantize.h"
#include "quant/sensitivity.h"
#include "zoo/zoo.h"

// Whether every step of the classic networks has a kernel of ours that was written for it, in every precision with
// tensor cores, on a described Hopper card. Needs no device.
namespace halftone {
namespace {

DeviceInfo hopper() {
  DeviceInfo info;
  info.id = "cuda:0";
  info.key = "described";
  info.cores = 132;
  info.features = {"fp16", "int8", "symmetric_int8", "tf32", "bf16", "fp8", "sm_90"};
  return info;
}

/// Neither a library's nor the plain kernel that takes whatever others refuse.
bool is_ours(const Kernel& kernel) {
  return kernel.competes && kernel.name != "cudnn.conv" && kernel.name != "cublaslt.product" &&
         kernel.name != "cutlass.product" && !kernel.takes_any;
}

/// The network with made-up ranges of activations: which kernels there are depends on types and shapes alone.
CalibratedModel calibrated(const Graph& network, bool fp8) {
  CalibratedModel model;
  model.graph = network;
  model.symmetric = !fp8;
  model.fp8 = fp8;
  simplify(model.graph);
  infer_types(model.graph);
  if (fp8) model.sixteen_bit = sixteen_bit_products(model.graph);
  for (const auto& group : values_to_quantize(model.graph))
    for (const auto id : group) model.ranges[id] = {-1, 1};
  return model;
}

/// With every product in 8 or in 16 bits, by chance.
Graph mix_of(const CalibratedModel& model, Precision half, std::mt19937& random) {
  std::map<std::string, Precision> precisions;
  for (const auto& name : products_of(model.graph)) precisions[name] = random() % 2 == 0 ? half : model.lowest();
  return mixed_graph(model, precisions);
}

class CudaNetworks : public testing::TestWithParam<const char*> {
 protected:
  void every_step_has_its_kernel(const Graph& graph, Precision precision, bool mixed = false) {
    for (const int batch : {1, 128}) {
      Graph lowered = graph;
      set_batch(lowered, batch);
      PassContext context;
      context.precision = precision;
      context.can_run = context.runs_well = [&](const Problem& problem) { return has_kernel(problem); };
      lower(lowered, context);
      for (const auto& node : lowered.nodes)
        if (node.op != "Reshape" && node.op != "Flatten") {
          const Problem problem = problem_of(lowered, node);
          EXPECT_TRUE(has_kernel(problem)) << problem.text();
          if (mixed && node.op == "FusedConv") {
            EXPECT_NE(problem.input(0).dtype, DType::f32) << problem.text();
          }
          if (mixed) {
            EXPECT_NE(node.op, "Cast") << problem.text();
          }
        }
    }
  }

 private:
  bool has_kernel(const Problem& problem) const {
    const auto kernels = device_.kernels();
    return std::any_of(kernels.begin(), kernels.end(),
                       [&](const Kernel& kernel) { return is_ours(kernel) && kernel.supports(problem, device_); });
  }

  const cuda::CudaBackend device_{hopper(), 90};
};

TEST_P(CudaNetworks, EveryStepHasItsKernel) {
  const Graph network = make_zoo(GetParam());
  for (const auto precision : {Precision::tf32, Precision::bf16, Precision::fp16})
    every_step_has_its_kernel(network, precision);
  for (const bool fp8 : {false, true})
    every_step_has_its_kernel(quantize(calibrated(network, fp8)).graph, Precision::fp32);
}

class CudaMixes : public CudaNetworks {};

TEST_P(CudaMixes, EveryStepHasItsKernelAndNoneIsInFp32) {
  std::mt19937 random(1);
  for (const bool fp8 : {false, true}) {
    const auto model = calibrated(make_zoo(GetParam()), fp8);
    for (const auto half : {Precision::bf16, Precision::fp16})
      for (int i = 0; i < 3; ++i) every_step_has_its_kernel(mix_of(model, half, random), Precision::fp32, true);
  }
}

INSTANTIATE_TEST_SUITE_P(Zoo, CudaNetworks, testing::Values("alexnet", "googlenet", "resnet18", "resnet50", "vgg19"),
                         [](const auto& info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Zoo, CudaMixes, testing::Values("resnet18", "mobilenet_v2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace halftone
